#pragma once

#include <cstddef>
#include <span>

#include "vmm/base/result.h"

namespace nacre {

/// Owns one mmap(2) mapping and unmaps it once. Movable, not copyable.
class MemoryMapping {
  public:
    MemoryMapping() = default;
    MemoryMapping(MemoryMapping&& other) noexcept;
    MemoryMapping& operator=(MemoryMapping&& other) noexcept;
    MemoryMapping(const MemoryMapping&) = delete;
    MemoryMapping& operator=(const MemoryMapping&) = delete;
    ~MemoryMapping();

    /// `size` bytes of zeroes, private to this process, not reserved in swap, readable and writable.
    static Result<MemoryMapping> anonymous(std::size_t size);

    /// The same at a multiple of `alignment`, itself a multiple of the page size (2 MiB, so that the host can
    /// back it with huge pages).
    static Result<MemoryMapping> anonymous_aligned(std::size_t size, std::size_t alignment);

    /// The same, of which nothing may be touched yet: address space alone, not counted as memory of the
    /// process however strict the host is (overcommit_memory).
    static Result<MemoryMapping> reserved_aligned(std::size_t size, std::size_t alignment);

    /// Makes the first `size` bytes (whole pages) of a reserved mapping readable and writable.
    Result<void> make_accessible(std::size_t size) const;

    /// `size` bytes of the file behind `fd` from `offset` (a multiple of the page size). `protection` and
    /// `flags` as mmap takes them. The mapping outlives `fd`.
    static Result<MemoryMapping> file(int fd, std::size_t offset, std::size_t size, int protection,
                                      int flags);

    std::span<std::byte> bytes() const { return {static_cast<std::byte*>(address_), size_}; }
    std::size_t size() const { return size_; }

  private:
    static Result<MemoryMapping> aligned(MemoryMapping larger, std::size_t size, std::size_t alignment);
    static Result<MemoryMapping> map_anonymous(std::size_t size, int protection);

    MemoryMapping(void* address, std::size_t size) : address_(address), size_(size) {}
    void unmap();

    void* address_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace nacre
