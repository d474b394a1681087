#include "vmm/memory/discard.h"

#include <sys/mman.h>

#include <cstdint>

namespace nacre {

namespace {

constexpr std::uintptr_t page_size = 4096;

}  // namespace

// Not mmap(2) anew over the pages: where that fails half-way it leaves a hole, into which the kernel may put
// a mapping of the VMM's own, in sight of the guest.
Result<void> discard(std::span<std::byte> memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::size_t head = (page_size - address % page_size) % page_size;
    if (memory.size() < head + page_size)
        return {};
    const std::size_t whole = (memory.size() - head) / page_size * page_size;
    if (::madvise(memory.data() + head, whole, MADV_DONTNEED) != 0)
        return fail_errno("give {} bytes of memory back", whole);
    return {};
}

}  // namespace nacre
