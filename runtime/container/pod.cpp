#include "runtime/container/pod.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "runtime/container/saved_config.h"
#include "runtime/oci/parser.h"

namespace nacre::runtime {

namespace {

/// The annotations of one caller.
struct CallersNames {
    const char* type;
    const char* sandbox_id;
};

constexpr std::array callers{
    CallersNames{"io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"},    // containerd
    CallersNames{"io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"},  // CRI-O, podman
};

std::string_view value_of(const oci::StringMap& annotations, const char* name) {
    const auto found = annotations.find(name);
    return found == annotations.end() ? std::string_view() : std::string_view(found->second);
}

/// podman says no type: what names a sandbox without being one is a member.
std::string sandbox_id_of(const oci::StringMap& annotations) {
    for (const auto& names : callers) {
        const auto id = value_of(annotations, names.sandbox_id);
        if (!id.empty() && value_of(annotations, names.type) != "sandbox")
            return std::string(id);
    }
    return {};
}

Result<ContainerState> read_state(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    return directory.read();
}

/// The running container whose relay is that process, if any.
std::optional<ContainerState> container_of(const Store& store, pid_t pid) {
    const auto ids = store.list();
    for (const auto& id : ids.value_or(std::vector<std::string>())) {
        const auto state = read_state(store, id);
        if (state && state->relay.pid == pid && current_status(*state) != Status::stopped)
            return *state;
    }
    return std::nullopt;
}

std::optional<ContainerState> container_of_namespaces(const Store& store, const oci::Linux& linux_config) {
    for (const auto& entry : linux_config.namespaces) {
        const auto pid = pid_of_namespace_path(entry.path);
        const auto owner = pid > 0 ? container_of(store, pid) : std::nullopt;
        if (owner)
            return owner;
    }
    return std::nullopt;
}

/// The state of the container whose VM a new one is for; none: it gets a VM of its own.
Result<std::optional<ContainerState>> find_host(const Store& store, const oci::Spec& spec) {
    const auto id = sandbox_id_of(spec.annotations);
    if (id.empty())
        return container_of_namespaces(store, spec.linux);
    auto state = read_state(store, id);
    if (!state)
        return add_context(std::move(state).error(), fmt::format("sandbox {}", id));
    return std::optional(std::move(*state));
}

bool is_same_file(const std::string& path, const std::string& other) {
    struct stat one {};
    struct stat two {};
    return ::stat(path.c_str(), &one) == 0 && ::stat(other.c_str(), &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

/// Relays are in the pod's network namespace; of the other kinds the host has none that are the pod's own.
bool is_sandboxes(const oci::Namespace& entry, const ContainerState& sandbox, const oci::Spec& sandbox_spec) {
    const auto* own = sandbox_spec.linux.find_namespace(entry.type);
    if (own != nullptr && own->path == entry.path)
        return true;
    return entry.type == oci::NamespaceType::network &&
           is_same_file(entry.path, fmt::format("/proc/{}/ns/net", sandbox.relay.pid));
}

/// The container of the VM whose namespace that is in the guest, if the path tells.
std::string container_behind(const Store& store, const oci::Namespace& entry, const ContainerState& sandbox,
                             const oci::Spec& sandbox_spec) {
    if (const auto pid = pid_of_namespace_path(entry.path); pid > 0) {
        const auto owner = container_of(store, pid);
        return owner && owner->vm_directory == sandbox.vm_directory ? owner->id : std::string();
    }
    return is_sandboxes(entry, sandbox, sandbox_spec) ? sandbox.id : std::string();
}

Result<std::vector<protocol::SharedNamespace>> shared_namespaces(const Store& store, const oci::Spec& spec,
                                                                 const ContainerState& sandbox) {
    NACRE_ASSIGN(const auto directory, store.open(sandbox.id));
    NACRE_ASSIGN(const auto sandbox_spec, load_saved_config(directory));
    std::vector<protocol::SharedNamespace> shared;
    for (const auto& entry : spec.linux.namespaces) {
        // A mount namespace is each container's own: what it sees is told by its mounts.
        if (entry.path.empty() || entry.type == oci::NamespaceType::mount)
            continue;
        if (auto id = container_behind(store, entry, sandbox, sandbox_spec); !id.empty())
            shared.push_back({std::string(oci::name_of(entry.type)), std::move(id)});
    }
    return shared;
}

}  // namespace

bool Pod::shares(oci::NamespaceType type) const {
    return std::ranges::find(namespaces, oci::name_of(type), &protocol::SharedNamespace::type) !=
           namespaces.end();
}

bool is_sandbox(const oci::StringMap& annotations) {
    return std::ranges::any_of(
        callers, [&](const auto& names) { return value_of(annotations, names.type) == "sandbox"; });
}

pid_t pid_of_namespace_path(const std::string& path) {
    constexpr std::string_view prefix = "/proc/";
    const std::string_view text = path;
    if (!text.starts_with(prefix))
        return 0;
    const auto rest = text.substr(prefix.size());
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pid);
    const auto tail = rest.substr(static_cast<std::size_t>(end - rest.data()));
    return error == std::errc() && pid > 0 && tail.starts_with("/ns/") ? pid : 0;
}

Result<Pod> find_pod(const Store& store, const oci::Spec& spec) {
    Pod pod;
    pod.sandbox = is_sandbox(spec.annotations);
    if (pod.sandbox)
        return pod;
    NACRE_ASSIGN(const auto host, find_host(store, spec));
    if (!host)
        return pod;
    pod.sandbox_id = host->sandbox_id.empty() ? host->id : host->sandbox_id;
    NACRE_ASSIGN(const auto sandbox, read_state(store, pod.sandbox_id));
    if (!is_alive(sandbox.vmm))
        return fail("the virtual machine of sandbox {} is not running", pod.sandbox_id);
    pod.vm_directory = sandbox.vm_directory;
    pod.vmm = sandbox.vmm;
    NACRE_ASSIGN(pod.namespaces, shared_namespaces(store, spec, sandbox));
    return pod;
}

}  // namespace nacre::runtime
