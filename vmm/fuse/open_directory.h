#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "vmm/base/file_descriptor.h"
#include "vmm/fuse/buffer_budget.h"
#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// One entry, valid until the directory is read further. `next_offset` is where the entry after it is found.
struct DirectoryEntry {
    std::uint64_t inode;
    std::uint64_t next_offset;
    std::uint32_t type;  // DT_*
    const char* name;
};

/// A directory that the guest has open, and what getdents64(2) has returned of it but the guest not yet
/// taken. Offsets are the host file system's own, so that seekdir(3) works.
class OpenDirectory {
  public:
    /// `budget`, which must outlive it: of what it keeps between two requests.
    OpenDirectory(FileDescriptor descriptor, BufferBudget& budget)
        : descriptor_(std::move(descriptor)), budget_(budget) {}
    OpenDirectory(const OpenDirectory&) = delete;
    OpenDirectory& operator=(const OpenDirectory&) = delete;
    ~OpenDirectory() { drop_buffer(); }

    int descriptor() const { return descriptor_.get(); }

    /// One request's reading: a sequence of calls while it lives, as the guest may read from several threads.
    class Reading {
      public:
        explicit Reading(OpenDirectory& directory) : directory_(directory), lock_(directory.mutex_) {}
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        ~Reading() { directory_.rest(); }

      private:
        OpenDirectory& directory_;
        std::unique_lock<std::mutex> lock_;
    };

    /// Goes to `offset`: 0, or one that an entry gave. 0 also drops what was read ahead (rewinddir(3)).
    Outcome<> seek(std::uint64_t offset);

    /// The entry at the current position, without moving; nothing at the end.
    Outcome<std::optional<DirectoryEntry>> peek();

    /// Moves past the entry that peek() gave.
    void advance();

  private:
    Outcome<> refill();
    void rest();
    void drop_buffer();

    static constexpr std::size_t buffer_size = 16384;

    FileDescriptor descriptor_;
    BufferBudget& budget_;
    std::mutex mutex_;
    std::unique_ptr<std::byte[]> buffer_;  // while a request reads, and after it with entries that are left
    bool in_budget_ = false;               // it may stay
    bool untouched_ = true;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace nacre::fuse
