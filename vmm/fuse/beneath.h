#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>

#include "vmm/base/file_descriptor.h"
#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// Opens the entry `name` of the directory `directory`: one component, never through a symbolic link, a magic
/// link or out of the directory (openat2(2)). `flags` as open(2) takes them, O_NOFOLLOW and O_CLOEXEC added.
Outcome<FileDescriptor> open_beneath(int directory, const char* name, int flags, mode_t mode = 0);

/// statx(2) of `fd` itself, O_PATH descriptors too: the basic fields, time of birth and mount id.
Outcome<struct statx> status_of(int fd);

/// The name of a descriptor below /proc/self/fd, for the calls that have no form for O_PATH descriptors.
/// Following that magic link leads to the very inode the descriptor refers to, whatever became of its path.
class DescriptorName {
  public:
    explicit DescriptorName(int fd);
    const char* c_str() const { return text_; }

  private:
    char text_[12];
};

}  // namespace nacre::fuse
