#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "vmm/fuse/iovecs.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// Bytes that one COPY_FILE_RANGE copies at most, so that it does not occupy a worker for long; Linux asks
/// again.
constexpr std::uint64_t max_copy = 64U << 20;

/// Repeats `transfer(iovecs, count, offset)` until all of `area` is done, an end or an error; an error counts
/// only if nothing was done before it.
template <class Transfer>
Outcome<std::size_t> transfer_all(std::span<const iovec> area, std::uint64_t offset, Transfer transfer) {
    const std::size_t wanted = total_length(area);
    std::size_t done = 0;
    std::vector<iovec> rest(area.begin(), area.end());
    while (done < wanted) {
        const int count = static_cast<int>(std::min<std::size_t>(rest.size(), IOV_MAX));
        const ssize_t moved = transfer(rest.data(), count, static_cast<off_t>(offset + done));
        if (moved < 0 && done == 0)
            return refuse_errno();
        if (moved <= 0)
            break;
        done += static_cast<std::size_t>(moved);
        if (done < wanted)
            rest = slice(area, done, wanted - done);
    }
    return done;
}

}  // namespace

/// Straight from the file into the guest's memory.
Outcome<> read(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_read_in>());
    NACRE_ASSIGN(const auto file, call.file_system.files().find(in.fh));
    const auto area = call.reply.payload_area(std::min(in.size, max_payload));
    NACRE_ASSIGN(const auto length,
                 transfer_all(area, in.offset, [&](const iovec* iovecs, int count, off_t offset) {
                     return preadv(file->descriptor.get(), iovecs, count, offset);
                 }));
    call.reply.set_payload_length(length);
    return {};
}

/// Straight from the guest's memory into the file. With O_APPEND the host finds the end; pages that come from
/// the guest's cache (FUSE_WRITE_CACHE) go where they belong whatever the flags of the handle they come with.
Outcome<> write(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_write_in>());
    if (total_length(call.payload) != in.size)
        return refuse(EINVAL);
    NACRE_ASSIGN(const auto file, call.file_system.files().find(in.fh));
    const bool append = (in.flags & O_APPEND) != 0 && (in.write_flags & FUSE_WRITE_CACHE) == 0;
    call.credentials.clear_setid_bits((in.write_flags & FUSE_WRITE_KILL_SUIDGID) != 0);
    NACRE_ASSIGN(const auto length,
                 transfer_all(call.payload, in.offset, [&](const iovec* iovecs, int count, off_t offset) {
                     return append ? pwritev2(file->descriptor.get(), iovecs, count, offset, RWF_APPEND)
                                   : pwritev(file->descriptor.get(), iovecs, count, offset);
                 }));
    fuse_write_out out{};
    out.size = static_cast<std::uint32_t>(length);
    return call.reply.append(out);
}

Outcome<> fallocate(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_fallocate_in>());
    NACRE_ASSIGN(const auto file, call.file_system.files().find(in.fh));
    call.credentials.clear_setid_bits(false);
    return check(::fallocate(file->descriptor.get(), static_cast<int>(in.mode), static_cast<off_t>(in.offset),
                             static_cast<off_t>(in.length)));
}

/// Only for what the guest cannot know by itself: where data and holes are.
Outcome<> lseek(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_lseek_in>());
    if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)
        return refuse(EINVAL);
    NACRE_ASSIGN(const auto file, call.file_system.files().find(in.fh));
    const off_t offset =
        ::lseek(file->descriptor.get(), static_cast<off_t>(in.offset), static_cast<int>(in.whence));
    if (offset < 0)
        return refuse_errno();
    fuse_lseek_out out{};
    out.offset = static_cast<std::uint64_t>(offset);
    return call.reply.append(out);
}

Outcome<> copy_file_range(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_copy_file_range_in>());
    NACRE_ASSIGN(const auto source, call.file_system.files().find(in.fh_in));
    NACRE_ASSIGN(const auto target, call.file_system.files().find(in.fh_out));
    call.credentials.clear_setid_bits(false);
    auto source_offset = static_cast<off64_t>(in.off_in);
    auto target_offset = static_cast<off64_t>(in.off_out);
    const ssize_t copied =
        ::copy_file_range(source->descriptor.get(), &source_offset, target->descriptor.get(), &target_offset,
                          std::min(in.len, max_copy), static_cast<unsigned>(in.flags));
    if (copied < 0)
        return refuse_errno();
    fuse_write_out out{};
    out.size = static_cast<std::uint32_t>(copied);
    return call.reply.append(out);
}

Outcome<> fsync(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_fsync_in>());
    NACRE_ASSIGN(const auto file, call.file_system.files().find(in.fh));
    const int fd = file->descriptor.get();
    return check((in.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0 ? ::fdatasync(fd) : ::fsync(fd));
}

}  // namespace nacre::fuse::operations
