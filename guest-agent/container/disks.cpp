#include "guest-agent/container/disks.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "guest-agent/container/file_system.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// File systems that a root can be, told apart by their superblocks.
constexpr std::array root_types{"erofs", "ext4", "xfs"};

constexpr std::size_t max_devices_text = 64 * 1024;

/// The node in the VM's own /dev. The name comes from the host.
Result<std::string> node_of(const std::string& name) {
    const bool plain = !name.empty() && std::ranges::all_of(name, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
    });
    if (!plain)
        return fail_with(EINVAL, "disk \"{}\"", name);
    return "/dev/" + name;
}

Result<DeviceNumber> number_of(const std::string& name) {
    NACRE_ASSIGN(const auto node, node_of(name));
    struct stat status {};
    if (::stat(node.c_str(), &status) < 0)
        return fail_errno("disk {}", name);
    if (!S_ISBLK(status.st_mode))
        return fail_with(ENOTBLK, "disk {}", name);
    return DeviceNumber{::major(status.st_rdev), ::minor(status.st_rdev)};
}

Result<bool> is_read_only(const std::string& node) {
    NACRE_ASSIGN(const auto disk, open_file(node, O_RDONLY));
    int read_only = 0;
    if (::ioctl(disk.get(), BLKROGET, &read_only) < 0)
        return fail_errno("{}", node);
    return read_only != 0;
}

/// Read-only as a whole, not just in this mount, where the disk is or the mount is to be: the kernel does not
/// mount a read-only disk otherwise.
Result<FileDescriptor> mount_disk(const std::string& name, oci::Mount mount) {
    auto options = parse_mount_options(mount.options);
    NACRE_ASSIGN(mount.source, node_of(name));
    NACRE_ASSIGN(const bool read_only, is_read_only(mount.source));
    if (read_only || (options.set & MOUNT_ATTR_RDONLY) != 0)
        options.flags.insert(options.flags.begin(), "ro");
    return new_file_system(mount, options, options.set);
}

Result<FileDescriptor> mount_root_disk(const std::string& name) {
    oci::Mount mount;
    for (const char* type : root_types) {
        mount.type = type;
        auto mounted = mount_disk(name, mount);
        // EINVAL: the superblock is another file system's.
        if (mounted || mounted.error().code != EINVAL)
            return mounted;
    }
    return fail("no file system that can be a root: {}", fmt::join(root_types, ", "));
}

}  // namespace

Result<std::vector<DeviceTranslation>> renumber_devices(std::vector<oci::Device>& devices,
                                                        const std::map<std::uint32_t, std::string>& disks) {
    std::vector<DeviceTranslation> translations;
    for (const auto& [index, name] : disks) {
        auto& device = devices.at(index);
        NACRE_ASSIGN(const auto number, number_of(name));
        translations.push_back({{device.major, device.minor}, number});
        device.major = number.major;
        device.minor = number.minor;
    }
    return translations;
}

std::int64_t disk_major() {
    const auto text = read_file("/proc/devices", max_devices_text).value_or("");
    const auto name = text.find(" virtblk\n");
    if (name == std::string::npos)
        return -1;
    const auto start = text.find_last_of("\n ", name - 1) + 1;
    std::int64_t major = -1;
    std::from_chars(text.data() + start, text.data() + name, major);
    return major;
}

Result<void> mount_disks(const DiskNames& disks, const oci::Spec& spec, ShareMounts& mounts) {
    if (!disks.root.empty()) {
        auto root = mount_root_disk(disks.root);
        if (!root)
            return add_context(std::move(root).error(), "mount the root file system");
        mounts.root = std::move(*root);
    }
    for (const auto& [index, name] : disks.mounts) {
        const auto& mount = spec.mounts.at(index);
        auto mounted = mount_disk(name, mount);
        if (!mounted)
            return add_context(std::move(mounted).error(),
                               fmt::format("mount {} on {}", mount.type, mount.destination));
        mounts.sources.emplace(index, std::move(*mounted));
    }
    return {};
}

}  // namespace nacre::agent
