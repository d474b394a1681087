#include "vmm/fuse/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

namespace nacre::fuse {

Outcome<FileDescriptor> open_beneath(int directory, const char* name, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_NOFOLLOW | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    const long fd = syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (fd < 0)
        return refuse_errno();
    return FileDescriptor(static_cast<int>(fd));
}

Outcome<struct statx> status_of(int fd) {
    struct statx status;
    constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, wanted, &status) < 0)
        return refuse_errno();
    return status;
}

DescriptorName::DescriptorName(int fd) {
    *std::to_chars(text_, text_ + sizeof text_ - 1, fd).ptr = '\0';
}

}  // namespace nacre::fuse
