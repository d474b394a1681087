#include "vmm/base/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

namespace nacre {

void FileDescriptor::reset(int fd) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0)
        ::close(old);
}

Result<FileDescriptor> FileDescriptor::duplicate() const {
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return fail_errno("duplicate file descriptor {}", fd_);
    return FileDescriptor(copy);
}

namespace {

Result<void> change_flag(int fd, int get, int set, int flag, bool on) {
    const int flags = ::fcntl(fd, get);
    if (flags < 0)
        return fail_errno("read flags of file descriptor {}", fd);
    const int wanted = on ? flags | flag : flags & ~flag;
    if (wanted != flags && ::fcntl(fd, set, wanted) < 0)
        return fail_errno("set flags of file descriptor {}", fd);
    return {};
}

}  // namespace

Result<void> set_nonblocking(int fd, bool nonblocking) {
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblocking);
}

Result<void> set_close_on_exec(int fd, bool close_on_exec) {
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, close_on_exec);
}

}  // namespace nacre
