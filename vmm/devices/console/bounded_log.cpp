#include "vmm/devices/console/bounded_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace nacre::console {

Result<BoundedLog> BoundedLog::create(FileDescriptor file) {
    struct stat status {};
    if (::fstat(file.get(), &status) < 0)
        return fail_errno("look at the console log");
    if (!S_ISREG(status.st_mode))
        return fail("console log: not a regular file");
    // With O_APPEND pwrite(2) would ignore its offset, and what a failed write left would add up.
    const int flags = ::fcntl(file.get(), F_GETFL);
    if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags & ~O_APPEND) < 0)
        return fail_errno("prepare the console log");
    return BoundedLog(std::move(file), static_cast<std::uint64_t>(status.st_size));
}

Result<void> BoundedLog::write(std::span<const std::byte> text) {
    // The cast is sound: char may alias anything.
    const std::string_view view(reinterpret_cast<const char*>(text.data()), text.size());
    const auto in_head =
        static_cast<std::size_t>(std::min<std::uint64_t>(view.size(), head_bytes - head_size_));
    NACRE_TRY(write_head(view.substr(0, in_head)));
    return write_tail(view.substr(in_head));
}

Result<void> BoundedLog::write_head(std::string_view text) {
    NACRE_TRY(write_at(start_ + head_size_, text));
    head_size_ += text.size();
    return {};
}

Result<void> BoundedLog::write_tail(std::string_view text) {
    while (!text.empty()) {
        const auto part = text.substr(0, max_tail_bytes - tail_.size());
        NACRE_TRY(write_at(start_ + head_size_ + tail_.size(), part));
        tail_ += part;
        text.remove_prefix(part.size());
        if (tail_.size() == max_tail_bytes)
            NACRE_TRY(drop_older_half());
    }
    return {};
}

Result<void> BoundedLog::drop_older_half() {
    constexpr auto half = max_tail_bytes / 2;
    // At a line's end, unless the line is longer than what may be lost for that.
    const auto line_end = tail_.rfind('\n', half);
    const auto cut = line_end == std::string::npos || line_end < note_size_ ? half : line_end + 1;
    dropped_ += cut - note_size_;
    const auto note = fmt::format("\n[{} bytes of console output left out]\n", dropped_);
    tail_.replace(0, cut, note);
    note_size_ = note.size();
    if (::ftruncate(file_.get(), static_cast<off_t>(start_ + head_size_)) < 0)
        return fail_errno("cut the console log");
    return write_at(start_ + head_size_, tail_);
}

// pwrite, because the file's own position would stay behind a cut.
Result<void> BoundedLog::write_at(std::uint64_t offset, std::string_view text) const {
    while (!text.empty()) {
        const auto count = ::pwrite(file_.get(), text.data(), text.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno("write {} bytes to the console log", text.size());
        text.remove_prefix(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

}  // namespace nacre::console
