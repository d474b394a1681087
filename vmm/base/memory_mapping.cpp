#include "vmm/base/memory_mapping.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

namespace nacre {

MemoryMapping::MemoryMapping(MemoryMapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MemoryMapping& MemoryMapping::operator=(MemoryMapping&& other) noexcept {
    if (this != &other) {
        unmap();
        address_ = std::exchange(other.address_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

MemoryMapping::~MemoryMapping() {
    unmap();
}

Result<MemoryMapping> MemoryMapping::map_anonymous(std::size_t size, int protection) {
    void* address = ::mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        return fail_errno("map {} bytes of memory", size);
    return MemoryMapping(address, size);
}

Result<MemoryMapping> MemoryMapping::anonymous(std::size_t size) {
    return map_anonymous(size, PROT_READ | PROT_WRITE);
}

Result<MemoryMapping> MemoryMapping::anonymous_aligned(std::size_t size, std::size_t alignment) {
    NACRE_ASSIGN(auto larger, map_anonymous(size + alignment, PROT_READ | PROT_WRITE));
    return aligned(std::move(larger), size, alignment);
}

Result<MemoryMapping> MemoryMapping::reserved_aligned(std::size_t size, std::size_t alignment) {
    NACRE_ASSIGN(auto larger, map_anonymous(size + alignment, PROT_NONE));
    return aligned(std::move(larger), size, alignment);
}

Result<void> MemoryMapping::make_accessible(std::size_t size) const {
    if (size > size_)
        return fail_with(EINVAL, "use {} of {} bytes of memory", size, size_);
    if (::mprotect(address_, size, PROT_READ | PROT_WRITE) != 0)
        return fail_errno("use {} bytes of memory", size);
    return {};
}

/// mmap knows no alignment: `larger` is more, of which what is in front and behind is given back.
Result<MemoryMapping> MemoryMapping::aligned(MemoryMapping larger, std::size_t size, std::size_t alignment) {
    auto* const start = static_cast<std::byte*>(larger.address_);
    const std::size_t misalignment = reinterpret_cast<std::uintptr_t>(start) % alignment;
    const std::size_t head = misalignment == 0 ? 0 : alignment - misalignment;
    if (head != 0)
        ::munmap(start, head);
    ::munmap(start + head + size, alignment - head);
    larger.address_ = nullptr;
    return MemoryMapping(start + head, size);
}

Result<MemoryMapping> MemoryMapping::file(int fd, std::size_t offset, std::size_t size, int protection,
                                          int flags) {
    void* address = ::mmap(nullptr, size, protection, flags, fd, static_cast<off_t>(offset));
    if (address == MAP_FAILED)
        return fail_errno("map {} bytes of file descriptor {}", size, fd);
    return MemoryMapping(address, size);
}

void MemoryMapping::unmap() {
    if (address_ != nullptr)
        ::munmap(address_, size_);
}

}  // namespace nacre
