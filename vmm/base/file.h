#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre {

/// open(2) with O_CLOEXEC added.
Result<FileDescriptor> open_file(const std::string& path, int flags, unsigned mode = 0);

/// openat2(2) with RESOLVE_* of <linux/openat2.h>; O_CLOEXEC and RESOLVE_NO_MAGICLINKS added.
Result<FileDescriptor> open_resolved(int directory, const std::string& path, int flags,
                                     std::uint64_t resolve);

/// Writes all of `data`, going on after short writes and EINTR. Blocks as `fd` does.
Result<void> write_all(int fd, std::span<const std::byte> data);
Result<void> write_all(int fd, const std::string& text);

/// Reads `data.size()` bytes; an end of file before that is an error.
Result<void> read_exactly(int fd, std::span<std::byte> data);

/// Reads from the current position to the end of file, at most `limit` bytes; more is an error.
Result<std::string> read_to_end(int fd, std::size_t limit);

/// The whole content of the file at `path`, at most `limit` bytes; more is an error.
Result<std::string> read_file(const std::string& path, std::size_t limit);

}  // namespace nacre
