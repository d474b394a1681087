#include "runtime/container/disk_plan.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "runtime/container/share_plan.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

using protocol::DiskRole;

constexpr std::size_t max_uevent_text = 4096;

/// File systems that lie on a disk; the second kind cannot be written.
constexpr std::array<std::string_view, 9> writable_types{"ext2", "ext3", "ext4",  "xfs",  "btrfs",
                                                         "f2fs", "vfat", "exfat", "ntfs3"};
constexpr std::array<std::string_view, 4> read_only_types{"erofs", "squashfs", "iso9660", "udf"};

template <std::size_t Size>
bool contains(const std::array<std::string_view, Size>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

Result<struct stat> status_of(const FileDescriptor& file) {
    struct stat status {};
    if (::fstat(file.get(), &status) < 0)
        return fail_errno("stat");
    return status;
}

/// A second, usable descriptor of the file behind one that was opened with O_PATH: what was looked at is what
/// is opened.
Result<FileDescriptor> reopen(const FileDescriptor& file, bool read_only) {
    return open_file(fmt::format("/proc/self/fd/{}", file.get()), read_only ? O_RDONLY : O_RDWR);
}

/// A file system that two kernels have mounted is lost as soon as one of them writes. The lock is that of the
/// open file: it ends when nacre-vmm, which gets it, has ended.
Result<void> lock(const FileDescriptor& disk, bool read_only) {
    struct flock whole {};
    whole.l_type = static_cast<short>(read_only ? F_RDLCK : F_WRLCK);
    whole.l_whence = SEEK_SET;
    if (::fcntl(disk.get(), F_OFD_SETLK, &whole) == 0)
        return {};
    if (errno == EAGAIN || errno == EACCES)
        return fail_with(EBUSY, "another virtual machine has it mounted");
    return fail_errno("lock");
}

/// Opens an image or device that is going to be mounted in the guest.
Result<FileDescriptor> open_disk(const std::string& path, bool read_only) {
    NACRE_ASSIGN(const auto file, open_file(path, O_PATH));
    NACRE_ASSIGN(const auto status, status_of(file));
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail("{}: neither an image file nor a block device", path);
    if (S_ISREG(status.st_mode) && status.st_size == 0)
        return fail("{}: the image is empty", path);
    NACRE_ASSIGN(auto disk, reopen(file, read_only));
    if (auto locked = lock(disk, read_only); !locked)
        return add_context(std::move(locked).error(), path);
    return disk;
}

Result<PlannedDisk> plan_disk(DiskRole role, std::uint32_t index, const std::string& path, bool read_only,
                              std::string id, const std::string& place) {
    auto file = open_disk(path, read_only);
    if (!file)
        return add_context(std::move(file).error(), "config.json: " + place);
    return PlannedDisk{role, index, std::move(*file), read_only, std::move(id)};
}

// --- Block devices

/// What the rules of the device cgroup say of exactly this device: the accesses they allow, if any.
std::optional<std::string> access_by_number(const oci::Linux& config, const oci::Device& device) {
    std::optional<std::string> access;
    for (const auto& rule : config.resources.value_or(oci::Resources{}).devices) {
        if (rule.type != "b" || rule.major != device.major || rule.minor != device.minor)
            continue;
        access = rule.allow ? std::optional(rule.access.empty() ? "rwm" : rule.access) : std::nullopt;
    }
    return access;
}

/// The node that the host's kernel made for the device; none if the host has no such device.
Result<std::optional<FileDescriptor>> find_node(const oci::Device& device) {
    const auto uevent =
        read_file(fmt::format("/sys/dev/block/{}:{}/uevent", device.major, device.minor), max_uevent_text);
    if (!uevent)
        return std::optional<FileDescriptor>();
    constexpr std::string_view key = "DEVNAME=";
    const auto start = uevent->find(key);
    if (start == std::string::npos)
        return fail("block device {}:{} has no name", device.major, device.minor);
    const auto name = uevent->substr(start + key.size(), uevent->find('\n', start) - start - key.size());
    NACRE_ASSIGN(auto node, open_file("/dev/" + name, O_PATH | O_NOFOLLOW));
    NACRE_ASSIGN(const auto status, status_of(node));
    const auto number = ::makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
    if (!S_ISBLK(status.st_mode) || status.st_rdev != number)
        return fail("/dev/{} is not block device {}:{}", name, device.major, device.minor);
    return std::optional(std::move(node));
}

/// Read-only, too, if the device itself is.
Result<FileDescriptor> open_device(const FileDescriptor& node, bool& read_only) {
    auto file = reopen(node, read_only);
    if (file || read_only || (file.error().code != EACCES && file.error().code != EROFS))
        return file;
    read_only = true;
    return reopen(node, read_only);
}

bool has_medium(const FileDescriptor& device) {
    std::uint64_t size = 0;
    return ::ioctl(device.get(), BLKGETSIZE64, &size) == 0 && size != 0;
}

Result<std::optional<PlannedDisk>> plan_device(const oci::Linux& config, std::uint32_t index) {
    const auto& device = config.devices[index];
    const auto access = device.type == 'b' ? access_by_number(config, device) : std::nullopt;
    if (!access)
        return std::optional<PlannedDisk>();
    NACRE_ASSIGN(const auto node, find_node(device));
    if (!node)
        return std::optional<PlannedDisk>();
    bool read_only = access->find('w') == std::string::npos;
    NACRE_ASSIGN(auto file, open_device(*node, read_only));
    if (!has_medium(file))
        return std::optional<PlannedDisk>();
    return PlannedDisk{DiskRole::device, index, std::move(file), read_only, fmt::format("device-{}", index)};
}

Result<void> plan_devices(const oci::Linux& config, std::vector<PlannedDisk>& disks) {
    for (std::uint32_t index = 0; index < config.devices.size(); ++index) {
        auto disk = plan_device(config, index);
        if (!disk)
            return add_context(std::move(disk).error(), fmt::format("config.json: /linux/devices/{}", index));
        if (*disk)
            disks.push_back(std::move(**disk));
    }
    return {};
}

}  // namespace

Result<bool> has_root_disk(const std::string& bundle, const oci::Spec& spec) {
    NACRE_ASSIGN(const auto root, open_file(path_in_bundle(bundle, spec.root->path), O_PATH));
    NACRE_ASSIGN(const auto status, status_of(root));
    return !S_ISDIR(status.st_mode);
}

bool is_disk_mount(const oci::Mount& mount) {
    return !is_bind_mount(mount) &&
           (contains(writable_types, mount.type) || contains(read_only_types, mount.type));
}

Result<std::vector<PlannedDisk>> plan_disks(const std::string& bundle, const oci::Spec& spec) {
    std::vector<PlannedDisk> disks;
    NACRE_ASSIGN(const bool root_disk, has_root_disk(bundle, spec));
    if (root_disk) {
        NACRE_ASSIGN(auto disk, plan_disk(DiskRole::root, 0, path_in_bundle(bundle, spec.root->path),
                                          spec.root->readonly, "root", "/root/path"));
        disks.push_back(std::move(disk));
    }
    for (std::uint32_t index = 0; index < spec.mounts.size(); ++index) {
        const auto& mount = spec.mounts[index];
        if (!is_disk_mount(mount))
            continue;
        const bool read_only = contains(read_only_types, mount.type) || tree_options(mount).read_only;
        NACRE_ASSIGN(auto disk,
                     plan_disk(DiskRole::mount, index, path_in_bundle(bundle, mount.source), read_only,
                               fmt::format("mount-{}", index), fmt::format("/mounts/{}/source", index)));
        disks.push_back(std::move(disk));
    }
    NACRE_TRY(plan_devices(spec.linux, disks));
    return disks;
}

}  // namespace nacre::runtime
