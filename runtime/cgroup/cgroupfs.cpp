#include "runtime/cgroup/cgroupfs.h"

#include "runtime/cgroup/location.h"
#include "runtime/cgroup/oom_kill.h"
#include "runtime/cgroup/oom_kill_v1.h"

namespace nacre::runtime {

namespace {

constexpr int undo_timeout_ms = 2'000;

Result<void> make(const CgroupTree& tree, const std::vector<CgroupSetting>& settings) {
    NACRE_TRY(tree.make());
    return tree.apply(settings);
}

}  // namespace

Result<void> Cgroupfs::limit(const oci::Resources& resources, std::uint64_t memory_bytes) const {
    return tree_.apply(host_limits(resources, memory_bytes, tree_.unified()));
}

Result<void> Cgroupfs::count_oom_kill() const {
    if (tree_.unified())
        return raise_oom_kill(tree_.directories().front() + oom_suffix);
    const auto memory = tree_.directory_with("memory.oom_control");
    return memory.empty() ? Result<void>() : raise_oom_kill_v1(memory, memory + oom_suffix);
}

Result<void> Cgroupfs::remove(int timeout_ms) const {
    NACRE_TRY(tree_.remove(timeout_ms));
    return tree_.beside(oom_suffix).remove(timeout_ms);
}

Result<std::unique_ptr<Cgroup>> create_cgroupfs(const CgroupRequest& request) {
    NACRE_ASSIGN(const auto hierarchies, host_hierarchies());
    NACRE_ASSIGN(auto directories, cgroupfs_directories(request.path, request.id, hierarchies));
    const CgroupTree tree(directories);
    NACRE_TRY(tree.check_unused());
    const auto made =
        make(tree, host_limits(request.resources, request.memory_bytes, hierarchies.front().unified));
    if (made)
        return std::make_unique<Cgroupfs>(CgroupPlace{std::move(directories), ""});
    // Why it could not be made is what counts.
    [[maybe_unused]] const auto removed = tree.remove(undo_timeout_ms);
    return tl::unexpected(made.error());
}

}  // namespace nacre::runtime
