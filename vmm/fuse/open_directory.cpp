#include "vmm/fuse/open_directory.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace nacre::fuse {

Outcome<> OpenDirectory::seek(std::uint64_t offset) {
    if (offset == position_ && (offset != 0 || untouched_))
        return {};
    begin_ = end_ = 0;
    if (lseek(descriptor_.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
        return refuse_errno();
    position_ = offset;
    return {};
}

Outcome<std::optional<DirectoryEntry>> OpenDirectory::peek() {
    if (begin_ == end_)
        NACRE_TRY(refill());
    if (begin_ == end_)
        return std::nullopt;
    const auto* entry =
        reinterpret_cast<const dirent64*>(buffer_.get() + begin_);  // the kernel aligns them to 8
    return DirectoryEntry{entry->d_ino, static_cast<std::uint64_t>(entry->d_off), entry->d_type,
                          entry->d_name};
}

void OpenDirectory::advance() {
    const auto* entry = reinterpret_cast<const dirent64*>(buffer_.get() + begin_);
    position_ = static_cast<std::uint64_t>(entry->d_off);
    begin_ += entry->d_reclen;
}

Outcome<> OpenDirectory::refill() {
    if (buffer_ == nullptr)
        buffer_.reset(new std::byte[buffer_size]);
    untouched_ = false;
    const long length = syscall(SYS_getdents64, descriptor_.get(), buffer_.get(), buffer_size);
    if (length < 0)
        return refuse_errno();
    begin_ = 0;
    end_ = static_cast<std::size_t>(length);
    return {};
}

/// Between two requests. Without a buffer the next one reads the entries that are left once more.
void OpenDirectory::rest() {
    const bool entries_left = begin_ != end_;
    if (entries_left && !in_budget_)
        in_budget_ = budget_.take();
    if (entries_left && in_budget_)
        return;
    if (!entries_left || lseek(descriptor_.get(), static_cast<off_t>(position_), SEEK_SET) >= 0)
        drop_buffer();
}

void OpenDirectory::drop_buffer() {
    buffer_.reset();
    begin_ = end_ = 0;
    if (std::exchange(in_budget_, false))
        budget_.give_back();
}

}  // namespace nacre::fuse
