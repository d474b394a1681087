#include "vmm/arch/image_source.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {
namespace {

bool holds(std::uint64_t size, std::uint64_t offset, std::uint64_t length) {
    return offset <= size && length <= size - offset;
}

}  // namespace

Result<void> BytesSource::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (!holds(bytes_.size(), offset, target.size()))
        return fail("the image ends before byte {:#x}", offset + target.size());
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(), target.begin());
    return {};
}

Result<FileSource> FileSource::open(int fd, const char* what) {
    struct stat status {};
    if (::fstat(fd, &status) != 0)
        return fail_errno("{}: fstat", what);
    if (!S_ISREG(status.st_mode))
        return fail("{} is not a regular file", what);
    return FileSource(fd, static_cast<std::uint64_t>(status.st_size), what);
}

Result<void> FileSource::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (!holds(size_, offset, target.size()))
        return fail("{} is cut short: it has {} bytes", what_, size_);
    while (!target.empty()) {
        const auto count = ::pread(fd_, target.data(), target.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno("{}: pread", what_);
        if (count == 0)
            return fail("{} is cut short: it was truncated while it was read", what_);
        target = target.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<void> FileSource::place(std::uint64_t offset, std::span<std::byte> target) const {
    if (!holds(size_, offset, target.size()))
        return fail("{} is cut short: it has {} bytes", what_, size_);
    const auto address = reinterpret_cast<std::uintptr_t>(target.data());
    if (address % kPageSize != offset % kPageSize)
        return read(offset, target);
    const auto head = std::min<std::size_t>((kPageSize - address % kPageSize) % kPageSize, target.size());
    const auto whole_pages = (target.size() - head) / kPageSize * kPageSize;
    NACRE_TRY(read(offset, target.first(head)));
    NACRE_TRY(map(offset + head, target.subspan(head, whole_pages)));
    return read(offset + head + whole_pages, target.subspan(head + whole_pages));
}

Result<void> FileSource::map(std::uint64_t offset, std::span<std::byte> target) const {
    if (target.empty())
        return {};
    // MAP_FIXED replaces just these pages of the guest's RAM, which the caller owns and is still filling.
    void* mapped = ::mmap(target.data(), target.size(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd_, static_cast<off_t>(offset));
    if (mapped == MAP_FAILED)
        return fail_errno("{}: mmap", what_);
    return {};
}

}  // namespace nacre::arch
