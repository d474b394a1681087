#include "guest-agent/container/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "guest-agent/container/copy_tree.h"
#include "guest-agent/container/file_system.h"
#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/paths.h"
#include "runtime/oci/path_inside.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

constexpr const char* vm_cgroups = "/sys/fs/cgroup";

/// What comes after the mount is in its place; all on the mount's own descriptor.
Result<void> finish(int mount, const MountOptions& options) {
    if (options.recursive_set != 0 || options.recursive_clear != 0)
        NACRE_TRY(change_mount(mount, options.recursive_set, options.recursive_clear, 0, true));
    if (options.propagation != 0)
        NACRE_TRY(change_mount(mount, 0, 0, options.propagation, options.recursive_propagation));
    return {};
}

Result<PathKind> kind_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) < 0)
        return fail_errno("stat source");
    return S_ISDIR(status.st_mode) ? PathKind::directory : PathKind::file;
}

/// A copy of what the mounts so far have made of a place in the container.
Result<FileDescriptor> clone_from_root(const MountPlaces& places, const oci::Mount& mount,
                                       const MountOptions& options) {
    const auto path = oci::path_inside(places.host_root, mount.source);
    if (!path)
        return fail_with(ENOENT, "no source in the share");
    NACRE_ASSIGN(const auto source, open_in_root(places.root, *path, O_PATH));
    NACRE_ASSIGN(auto tree, clone_mount(source.get(), options.recursive_bind));
    NACRE_TRY(change_mount(tree.get(), options.set, 0, 0, false));
    return tree;
}

Result<void> attach(const MountPlaces& places, const oci::Mount& mount, std::uint32_t index,
                    const MountOptions& options) {
    const auto found = places.sources.find(index);
    FileDescriptor copy;
    if (found == places.sources.end()) {
        NACRE_ASSIGN(copy, clone_from_root(places, mount, options));
    }
    const int tree = copy ? copy.get() : found->second.get();
    NACRE_ASSIGN(const auto kind, kind_of(tree));
    NACRE_ASSIGN(const auto target, make_in_root(places.root, mount.destination, kind));
    NACRE_TRY(attach_mount(tree, target.get()));
    return finish(tree, options);
}

/// proc and sysfs hold what decides about the container's confinement: an image must not lead them elsewhere
/// (CVE-2019-19921).
Result<void> refuse_link(int root, const oci::Mount& mount) {
    if (mount.type != "proc" && mount.type != "sysfs")
        return {};
    const auto place = open_in_root(root, mount.destination, O_PATH | O_NOFOLLOW);
    struct stat status {};
    if (place && ::fstat(place->get(), &status) == 0 && !S_ISDIR(status.st_mode))
        return fail_with(ENOTDIR, "filesystem \"{}\" must be mounted on ordinary directory", mount.type);
    return {};
}

/// A tmpfs takes the mode of the directory that it covers, unless the configuration sets one.
void inherit_mode(int root, const oci::Mount& mount, MountOptions& options) {
    const auto has_mode =
        std::ranges::any_of(options.values, [](const auto& value) { return value.first == "mode"; });
    const auto place = open_in_root(root, mount.destination, O_PATH | O_DIRECTORY);
    struct stat status {};
    if (!has_mode && place && ::fstat(place->get(), &status) == 0)
        options.values.emplace_back("mode", fmt::format("{:o}", status.st_mode & 07777u));
}

/// cgroup2 may be mounted anew only by the owner of the cgroup namespace. A user namespace without one of those sees
/// the VM's groups, as it would see the host's with runc; they stay the VM root's.
Result<FileDescriptor> make_file_system(const oci::Mount& mount, const MountOptions& options,
                                        std::uint64_t attributes) {
    auto made = new_file_system(mount, options, attributes);
    if (made || made.error().code != EPERM || file_system_type(mount) != "cgroup2")
        return made;
    NACRE_ASSIGN(auto groups, clone_mount(vm_cgroups, false));
    NACRE_TRY(change_mount(groups.get(), attributes, 0, 0, false));
    return groups;
}

Result<void> mount_new(const MountPlaces& places, const oci::Mount& mount, MountOptions options,
                       LateReadOnly& late) {
    NACRE_TRY(refuse_link(places.root, mount));
    const bool is_tmpfs = mount.type == "tmpfs";
    if (is_tmpfs)
        inherit_mode(places.root, mount, options);
    const bool late_read_only = is_tmpfs && (options.set & MOUNT_ATTR_RDONLY) != 0;
    const auto attributes = late_read_only ? options.set & ~std::uint64_t{MOUNT_ATTR_RDONLY} : options.set;
    NACRE_ASSIGN(auto mounted, make_file_system(mount, options, attributes));
    NACRE_ASSIGN(const auto target, make_in_root(places.root, mount.destination, PathKind::directory));
    if (options.copy_up && is_tmpfs)
        NACRE_TRY(copy_tree(target.get(), mounted.get()));
    NACRE_TRY(attach_mount(mounted.get(), target.get()));
    NACRE_TRY(finish(mounted.get(), options));
    if (late_read_only)
        late.push_back(std::move(mounted));
    return {};
}

Result<void> make_mount(const MountPlaces& places, oci::Mount mount, std::uint32_t index,
                        LateReadOnly& late) {
    mount.destination = oci::path_inside(places.host_root, mount.destination).value_or(mount.destination);
    const auto options = parse_mount_options(mount.options);
    if (is_bind_mount(mount) || places.sources.contains(index))
        return attach(places, mount, index, options);
    return mount_new(places, mount, options, late);
}

}  // namespace

bool is_bind_mount(const oci::Mount& mount) {
    return mount.type == "bind" || parse_mount_options(mount.options).bind;
}

bool may_have_source(const oci::Mount& mount) {
    return is_bind_mount(mount) || mount.type == "overlay";
}

Result<LateReadOnly> make_mounts(const MountPlaces& places, const std::vector<oci::Mount>& mounts) {
    LateReadOnly late;
    for (std::uint32_t index = 0; index < mounts.size(); ++index) {
        auto made = make_mount(places, mounts[index], index, late);
        if (!made)
            return add_context(std::move(made).error(), fmt::format("mount {} on {}",
                                                                    file_system_type(mounts[index]).empty()
                                                                        ? "bind"
                                                                        : file_system_type(mounts[index]),
                                                                    mounts[index].destination));
    }
    return late;
}

}  // namespace nacre::agent
