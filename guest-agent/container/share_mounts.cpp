#include "guest-agent/container/share_mounts.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/paths.h"
#include "vmm/base/file.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

constexpr std::uint64_t every_attribute = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                          MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME |
                                          MOUNT_ATTR_NOSYMFOLLOW;

/// The share itself is nosuid and nodev; a container's mount is what its options say.
Result<FileDescriptor> clone_from_share(int share, const std::string& path, bool recursive) {
    NACRE_ASSIGN(const auto source, open_in_share(share, path));
    NACRE_ASSIGN(auto tree, clone_mount(source.get(), recursive));
    NACRE_TRY(change_mount(tree.get(), 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MS_PRIVATE, true));
    return tree;
}

/// The kernel mounts a sub-mount of the host when its directory is entered, with the attributes of the mount
/// above it as they are then: the ones that keep their own must be there before the topmost changes.
void mount_below(int share, const protocol::MountSource& source) {
    for (const auto& place : source.below)
        (void)open_in_share(share, source.path + "/" + place);
}

Result<FileDescriptor> clone_bind(int share, const protocol::MountSource& source, const oci::Mount& mount) {
    const auto options = parse_mount_options(mount.options);
    mount_below(share, source);
    NACRE_ASSIGN(auto tree, clone_from_share(share, source.path, options.recursive_bind));
    NACRE_TRY(change_mount(tree.get(), options.set, every_attribute, 0, false));
    return tree;
}

}  // namespace

Result<ShareMounts> clone_share_mounts(const std::string& share, const std::string& rootfs,
                                       const MountSources& sources, const std::vector<oci::Mount>& mounts) {
    ShareMounts clones;
    if (rootfs.empty() && sources.empty())
        return clones;
    NACRE_ASSIGN(const auto directory, open_file(share, O_PATH | O_DIRECTORY));
    if (!rootfs.empty()) {
        NACRE_ASSIGN(clones.root, clone_from_share(directory.get(), rootfs, true));
    }
    for (const auto& [index, source] : sources) {
        const auto& mount = mounts.at(index);
        auto tree = clone_bind(directory.get(), source, mount);
        if (!tree)
            return add_context(std::move(tree).error(), "mount bind on " + mount.destination);
        clones.sources.emplace(index, std::move(*tree));
    }
    return clones;
}

std::vector<std::string> share_places(const std::string& share, const std::string& rootfs,
                                      const MountSources& sources) {
    std::vector<std::string> places;
    if (!rootfs.empty())
        places.push_back(share + "/" + rootfs);
    for (const auto& [index, source] : sources)
        places.push_back(share + "/" + source.path);
    return places;
}

void unmount_from_share(const std::vector<std::string>& places) {
    for (const auto& place : places)
        ::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

}  // namespace nacre::agent
