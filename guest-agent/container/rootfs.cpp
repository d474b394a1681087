#include "guest-agent/container/rootfs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/paths.h"
#include "vmm/base/file.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

Result<FileDescriptor> empty_readonly_directory() {
    const FileDescriptor context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
    if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("make tmpfs");
    FileDescriptor mounted(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY));
    if (!mounted)
        return fail_errno("mount tmpfs");
    return mounted;
}

/// The VM's own null device, not one that an image may have put something else for (CVE-2025-31133).
Result<FileDescriptor> null_device() {
    NACRE_ASSIGN(const auto device, open_file("/dev/null", O_PATH | O_NOFOLLOW));
    return clone_mount(device.get(), false);
}

/// What covers a directory: one empty file system for all. `empty` is a mount of it once the first is in
/// place; before, it cannot be copied.
Result<FileDescriptor> empty_cover(const FileDescriptor& empty) {
    return empty ? clone_mount(empty.get(), false) : empty_readonly_directory();
}

Result<void> mask_path(int root, const std::string& path, FileDescriptor& empty) {
    const auto place = open_in_root(root, path, O_PATH);
    if (!place)
        return place.error().code == ENOENT || place.error().code == ENOTDIR ? Result<void>{}
                                                                             : tl::unexpected(place.error());
    struct stat status {};
    if (::fstat(place->get(), &status) < 0)
        return fail_errno("stat");
    const bool is_directory = S_ISDIR(status.st_mode);
    NACRE_ASSIGN(auto cover, is_directory ? empty_cover(empty) : null_device());
    NACRE_TRY(attach_mount(cover.get(), place->get()));
    if (is_directory && !empty)
        empty = std::move(cover);
    return {};
}

Result<void> make_path_readonly(int root, const std::string& path) {
    const auto place = open_in_root(root, path, O_PATH);
    if (!place)
        return place.error().code == ENOENT || place.error().code == ENOTDIR ? Result<void>{}
                                                                             : tl::unexpected(place.error());
    NACRE_ASSIGN(const auto cover, clone_mount(place->get(), true));
    NACRE_TRY(change_mount(cover.get(), MOUNT_ATTR_RDONLY, 0, 0, true));
    return attach_mount(cover.get(), place->get());
}

/// The file of a sysctl: dots or slashes part its name's components (sysctl(8)); no way out of /proc/sys.
Result<FileDescriptor> open_sysctl(const std::string& name) {
    NACRE_ASSIGN(const auto directory, open_file("/proc/sys", O_PATH | O_DIRECTORY));
    std::string path = name;
    if (path.find('/') == std::string::npos)
        std::ranges::replace(path, '.', '/');
    struct open_how how {};
    how.flags = O_WRONLY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    FileDescriptor file(
        static_cast<int>(::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how)));
    if (!file)
        return fail_errno("sysctl {}", name);
    return file;
}

}  // namespace

Result<void> make_mounts_private() {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
        return fail_errno("make mounts private");
    return {};
}

Result<void> attach_root(int root, const std::string& place) {
    NACRE_ASSIGN(const auto target, open_file(place, O_PATH | O_DIRECTORY));
    return attach_mount(root, target.get());
}

Result<void> mask_paths(int root, const std::vector<std::string>& paths) {
    FileDescriptor empty;
    std::set<std::string> seen;
    for (const auto& path : paths) {
        if (!seen.insert(path).second)
            continue;
        auto masked = mask_path(root, path, empty);
        if (!masked)
            return add_context(std::move(masked).error(), "mask " + path);
    }
    return {};
}

Result<void> make_paths_readonly(int root, const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
        auto done = make_path_readonly(root, path);
        if (!done)
            return add_context(std::move(done).error(), "make read-only " + path);
    }
    return {};
}

Result<void> enter_root(int root) {
    if (::fchdir(root) < 0)
        return fail_errno("enter root");
    // pivot_root(2), "pivot_root(".", ".")": the old root lies over the new one until it is detached.
    if (::syscall(SYS_pivot_root, ".", ".") < 0)
        return fail_errno("pivot root");
    if (::umount2(".", MNT_DETACH) < 0)
        return fail_errno("detach former root");
    if (::chdir("/") < 0)
        return fail_errno("change to new root");
    return {};
}

Result<void> seal_root(int root, const oci::Spec& spec, const LateReadOnly& late) {
    for (const auto& mount : late)
        NACRE_TRY(change_mount(mount.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    const auto propagation = propagation_flags(spec.linux.rootfs_propagation);
    if (propagation != 0)
        NACRE_TRY(
            change_mount(root, 0, 0, propagation & ~std::uint64_t{MS_REC}, (propagation & MS_REC) != 0));
    if (spec.root && spec.root->readonly)
        NACRE_TRY(change_mount(root, MOUNT_ATTR_RDONLY, 0, 0, false));
    return {};
}

Result<void> set_sysctls(const oci::StringMap& sysctls) {
    for (const auto& [name, value] : sysctls) {
        NACRE_ASSIGN(const auto file, open_sysctl(name));
        auto written = write_all(file.get(), value);
        if (!written)
            return add_context(std::move(written).error(), fmt::format("set sysctl {} to {}", name, value));
    }
    return {};
}

}  // namespace nacre::agent
