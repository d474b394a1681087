#pragma once

#include <utility>

#include "vmm/base/result.h"

namespace nacre {

/// Owns one file descriptor and closes it once. Movable, not copyable; -1 is "none".
class FileDescriptor {
  public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() { reset(); }

    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }
    explicit operator bool() const { return valid(); }

    /// Gives the descriptor to the caller, who closes it.
    int release() { return std::exchange(fd_, -1); }

    /// Closes what is owned (never retried on EINTR: Linux has closed it by then) and takes `fd`.
    void reset(int fd = -1);

    /// A second descriptor of the same open file, close-on-exec.
    Result<FileDescriptor> duplicate() const;

  private:
    int fd_ = -1;
};

/// Sets or clears O_NONBLOCK on the open file behind `fd`.
Result<void> set_nonblocking(int fd, bool nonblocking);

/// Sets or clears FD_CLOEXEC on `fd`.
Result<void> set_close_on_exec(int fd, bool close_on_exec);

}  // namespace nacre
