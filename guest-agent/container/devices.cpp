#include "guest-agent/container/devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include "vmm/base/mount_calls.h"
#include "guest-agent/container/paths.h"

namespace nacre::agent {

namespace {

struct DefaultDevice {
    const char* path;
    std::int64_t major;
    std::int64_t minor;
};

constexpr std::array default_devices{DefaultDevice{"/dev/null", 1, 3},    DefaultDevice{"/dev/zero", 1, 5},
                                     DefaultDevice{"/dev/full", 1, 7},    DefaultDevice{"/dev/random", 1, 8},
                                     DefaultDevice{"/dev/urandom", 1, 9}, DefaultDevice{"/dev/tty", 5, 0}};

constexpr std::array<std::pair<const char*, const char*>, 5> links{{
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/ptmx", "pts/ptmx"},
}};

constexpr std::uint32_t default_mode = 0666;

Result<mode_t> type_of(const oci::Device& device) {
    switch (device.type) {
        case 'c':
        case 'u':
            return S_IFCHR;
        case 'b':
            return S_IFBLK;
        case 'p':
            return S_IFIFO;
        default:
            return fail_with(EINVAL, "device {} of type '{}'", device.path, device.type);
    }
}

/// Whether what is there already is the device that was to be made.
Result<void> check_existing(int parent, const std::string& name, const oci::Device& device, mode_t type,
                            dev_t number) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno("stat {}", device.path);
    const bool same = (status.st_mode & S_IFMT) == type && (type == S_IFIFO || status.st_rdev == number);
    if (!same)
        return fail_with(EEXIST, "make device {}", device.path);
    return {};
}

Result<void> set_owner_and_mode(int parent, const std::string& name, const oci::Device& device) {
    // Through the node itself, so that nobody can put a link in its place.
    const FileDescriptor node(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!node)
        return fail_errno("open {}", device.path);
    if (::fchownat(node.get(), "", device.uid.value_or(0), device.gid.value_or(0), AT_EMPTY_PATH) < 0)
        return fail_errno("set owner of {}", device.path);
    const auto mode = device.file_mode.value_or(default_mode) & 07777;
    if (::chmod(descriptor_path(node.get()).c_str(), mode) < 0)
        return fail_errno("set mode of {}", device.path);
    return {};
}

Result<void> bind_device(int root, const oci::Device& device) {
    const FileDescriptor source(::open(device.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!source)
        return fail_errno("device {}: this virtual machine has none", device.path);
    NACRE_ASSIGN(const auto tree, clone_mount(source.get(), false));
    NACRE_ASSIGN(const auto target, make_in_root(root, device.path, PathKind::file));
    return attach_mount(tree.get(), target.get());
}

Result<void> make_device(int root, const oci::Device& device) {
    NACRE_ASSIGN(const auto type, type_of(device));
    NACRE_ASSIGN(const auto place, make_parent_in_root(root, device.path));
    const auto number = ::makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    if (::mknodat(place.parent.get(), place.name.c_str(), type | 0600, number) < 0) {
        if (errno == EEXIST)
            return check_existing(place.parent.get(), place.name, device, type, number);
        if (errno == EPERM || errno == ENOSYS || errno == EOPNOTSUPP)
            return bind_device(root, device);
        return fail_errno("make device {}", device.path);
    }
    return set_owner_and_mode(place.parent.get(), place.name, device);
}

bool names_device(const std::vector<oci::Device>& devices, std::string_view path) {
    for (const auto& device : devices) {
        if (device.path == path)
            return true;
    }
    return false;
}

}  // namespace

Result<void> make_devices(int root, const std::vector<oci::Device>& devices) {
    for (const auto& entry : default_devices) {
        if (names_device(devices, entry.path))
            continue;
        oci::Device device;
        device.path = entry.path;
        device.major = entry.major;
        device.minor = entry.minor;
        NACRE_TRY(make_device(root, device));
    }
    for (const auto& device : devices)
        NACRE_TRY(make_device(root, device));
    return {};
}

Result<void> make_device_links(int root) {
    for (const auto& [path, target] : links) {
        NACRE_ASSIGN(const auto place, make_parent_in_root(root, path));
        // A /dev/ptmx that is a device would open the VM's own terminals (runc replaces it as well).
        if (path == std::string_view("/dev/ptmx"))
            ::unlinkat(place.parent.get(), place.name.c_str(), 0);
        if (::symlinkat(target, place.parent.get(), place.name.c_str()) < 0 && errno != EEXIST)
            return fail_errno("link {} to {}", path, target);
    }
    return {};
}

}  // namespace nacre::agent
