#include "runtime/cgroup/systemd_cgroup.h"

#include "runtime/cgroup/location.h"
#include "runtime/cgroup/oom_kill.h"
#include "runtime/cgroup/oom_kill_v1.h"
#include "runtime/cgroup/systemd_client.h"

namespace nacre::runtime {

namespace {

constexpr int undo_timeout_ms = 2'000;

/// As runc and crun ask for it.
std::vector<UnitProperty> scope_properties(const CgroupRequest& request, const SystemdScope& scope) {
    return {text_property("Description", "nacre container " + request.id),
            text_property("Slice", scope.slice),
            flag_property("Delegate", true),
            flag_property("DefaultDependencies", false),
            flag_property("MemoryAccounting", true),
            flag_property("CPUAccounting", true),
            flag_property("IOAccounting", true),
            flag_property("TasksAccounting", true)};
}

void append(std::vector<UnitProperty>& properties, std::vector<UnitProperty> more) {
    for (auto& property : more)
        properties.push_back(std::move(property));
}

Result<void> check_systemd() {
    if (!is_systemd_running())
        return fail("systemd not running on this host, cannot use systemd cgroups manager");
    return {};
}

}  // namespace

CgroupTree SystemdCgroup::leaf() const {
    auto directories = scope_.directories();
    if (scope_.unified())
        directories.front() += "/container";
    return CgroupTree(std::move(directories));
}

Result<void> SystemdCgroup::limit(const oci::Resources& resources, std::uint64_t memory_bytes) const {
    const auto settings = rounded_for_systemd(host_limits(resources, memory_bytes, scope_.unified()));
    NACRE_ASSIGN(const auto properties, unit_properties(settings));
    if (!properties.empty())
        NACRE_TRY(set_unit_properties(place().unit, properties));
    // systemd answers before it has written them, and has no properties for some.
    return scope_.apply(settings);
}

Result<void> SystemdCgroup::count_oom_kill() const {
    if (scope_.unified())
        return raise_oom_kill(scope_.directories().front() + "/oom");
    const auto memory = scope_.directory_with("memory.oom_control");
    return memory.empty() ? Result<void>() : raise_oom_kill_v1(memory, memory + oom_suffix);
}

Result<void> SystemdCgroup::remove(int timeout_ms) const {
    // First, so that systemd need not wait for them, with signals that their container would see.
    NACRE_TRY(scope_.kill_all(timeout_ms));
    if (is_systemd_running())
        NACRE_TRY(stop_unit(place().unit));
    // Those in hierarchies that systemd does not care for.
    NACRE_TRY(scope_.remove(timeout_ms));
    return scope_.beside(oom_suffix).remove(timeout_ms);
}

Result<void> SystemdCgroup::start(std::vector<UnitProperty> properties) {
    NACRE_ASSIGN(auto placeholder, Placeholder::fork());
    placeholder_.emplace(std::move(placeholder));
    properties.push_back({"PIDs", "au", {"1", std::to_string(placeholder_->pid())}});
    return start_unit(place().unit, properties);
}

Result<void> SystemdCgroup::furnish(const std::vector<CgroupSetting>& settings) const {
    // v1 has hierarchies that systemd does not care for.
    NACRE_TRY(leaf().make());
    NACRE_TRY(leaf().add_process(placeholder_->pid()));
    if (scope_.unified())
        enable_controllers(scope_.directories().front());
    return scope_.apply(settings);
}

Result<std::unique_ptr<Cgroup>> create_systemd_cgroup(const CgroupRequest& request) {
    NACRE_TRY(check_systemd());
    NACRE_ASSIGN(const auto hierarchies, host_hierarchies());
    NACRE_ASSIGN(const auto scope, systemd_scope(request.path, request.id));
    NACRE_ASSIGN(auto directories, scope_directories(scope, hierarchies));
    NACRE_TRY(CgroupTree(directories).check_unused());
    const auto settings = rounded_for_systemd(
        host_limits(request.resources, request.memory_bytes, hierarchies.front().unified));
    auto properties = scope_properties(request, scope);
    NACRE_ASSIGN(auto annotated, annotated_properties(request.annotations));
    append(properties, std::move(annotated));
    NACRE_ASSIGN(auto limits, unit_properties(settings));
    append(properties, std::move(limits));
    auto cgroup = std::make_unique<SystemdCgroup>(CgroupPlace{std::move(directories), scope.unit});
    NACRE_TRY(cgroup->start(std::move(properties)));
    const auto furnished = cgroup->furnish(settings);
    if (furnished)
        return cgroup;
    // Why it could not be made is what counts.
    [[maybe_unused]] const auto removed = cgroup->remove(undo_timeout_ms);
    return tl::unexpected(furnished.error());
}

}  // namespace nacre::runtime
