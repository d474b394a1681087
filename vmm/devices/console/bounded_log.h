#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vmm/base/file_descriptor.h"

namespace nacre::console {

/// Writes an endless text to a file that stays small and keeps what matters: how it began, and how it ended.
///
/// The first `head_bytes` stay for ever. What follows is the tail: whenever it has grown to `max_tail_bytes`,
/// the file is cut and goes on with a line that says how much is missing and the tail's newer half. So the
/// file can be read at any time like an ordinary log, and holds at least the last `max_tail_bytes / 2` bytes.
///
/// The descriptor may be write-only; it must be a regular file that nobody else writes. O_APPEND is taken off
/// its open file. Belongs to one thread.
class BoundedLog {
  public:
    static constexpr std::uint64_t head_bytes = 64U << 10;
    static constexpr std::size_t max_tail_bytes = 128U << 10;

    /// Writes begin at the file's present end. Fails unless `file` is a regular file.
    static Result<BoundedLog> create(FileDescriptor file);

    /// The text may stop anywhere. An error (no space, say) loses that text; later ones are tried again.
    Result<void> write(std::span<const std::byte> text);

  private:
    BoundedLog(FileDescriptor file, std::uint64_t start) : file_(std::move(file)), start_(start) {}
    Result<void> write_head(std::string_view text);
    Result<void> write_tail(std::string_view text);
    Result<void> drop_older_half();
    Result<void> write_at(std::uint64_t offset, std::string_view text) const;

    FileDescriptor file_;
    std::uint64_t start_;  // where our text begins in the file
    std::uint64_t head_size_ = 0;
    std::uint64_t dropped_ = 0;  // bytes of the guest's text that are in the file no more
    std::size_t note_size_ = 0;  // of the line in front of the tail that says so
    std::string tail_;           // what stands in the file behind the head
};

}  // namespace nacre::console
