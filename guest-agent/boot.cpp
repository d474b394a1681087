#include "guest-agent/boot.h"

#include <fcntl.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "guest-agent/bpf_jit.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/rlimits.h"
#include "guest-agent/protocol/messages.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

struct FileSystem {
    const char* type;
    const char* place;
    unsigned long flags;
};

constexpr std::array file_systems{
    FileSystem{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    FileSystem{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    FileSystem{"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC},
    FileSystem{"cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

/// The initramfs is the kernel's rootfs, from which pivot_root(2) refuses to move: a bind mount of it, moved
/// over "/", is an ordinary root with the same files.
Result<void> leave_rootfs() {
    if (::mount("/", "/mnt", nullptr, MS_BIND, nullptr) < 0)
        return fail_errno("bind the root");
    if (::chdir("/mnt") < 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 || ::chroot(".") < 0 ||
        ::chdir("/") < 0)
        return fail_errno("move the root");
    return {};
}

Result<void> mount_file_systems() {
    for (const auto& entry : file_systems) {
        if (::mount(entry.type, entry.place, entry.type, entry.flags, nullptr) < 0)
            return fail_errno("mount {}", entry.place);
    }
    return {};
}

Result<void> protect_from_oom() {
    NACRE_ASSIGN(const auto file, open_file("/proc/self/oom_score_adj", O_WRONLY));
    return write_all(file.get(), std::string("-1000"));
}

}  // namespace

void fill_standard_descriptors() {
    int fd = 0;
    do
        fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        ::close(fd);
}

Result<void> boot() {
    NACRE_TRY(leave_rootfs());
    NACRE_TRY(mount_file_systems());
    NACRE_TRY(protect_from_oom());
    NACRE_TRY(raise_open_files_limit());
    use_bpf_jit(false);  // until the first container, with its device and seccomp filters, is up
    return bring_loopback_up();
}

Result<void> mount_share() {
    const std::string place(protocol::share_mount_point);
    const std::string tag(protocol::share_tag);
    struct stat below {};
    struct stat parent {};
    if (::stat(place.c_str(), &below) == 0 && ::stat((place + "/..").c_str(), &parent) == 0 &&
        below.st_dev != parent.st_dev)
        return {};
    if (::mount(tag.c_str(), place.c_str(), "virtiofs", MS_NOSUID | MS_NODEV, nullptr) < 0)
        return fail_errno("mount the share (virtio-fs \"{}\")", tag);
    return {};
}

void tell_phase(BootPhase phase) {
    constexpr unsigned short port = 0x608;
    if (::ioperm(port, 1, 1) == 0)
        ::outb(static_cast<unsigned char>(phase), port);
}

void power_off() {
    constexpr unsigned short port = 0x604;
    constexpr unsigned short sleep_enable_s5 = 0x2000;
    if (::ioperm(port, 2, 1) == 0)
        ::outw(sleep_enable_s5, port);
}

}  // namespace nacre::agent
