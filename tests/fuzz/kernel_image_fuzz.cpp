// A kernel image: any bytes give a kernel that lies in RAM, or an error.

#include "tests/fuzz/input.h"
#include "vmm/arch/elf_loader.h"
#include "vmm/arch/memory_layout.h"

using namespace nacre;

namespace {

constexpr std::uint64_t ram_bytes = arch::kHighMemoryStart + (1U << 16);

GuestMemory make_memory() {
    std::vector<GuestMemory::Region> regions;
    regions.push_back({0, MemoryMapping::anonymous(ram_bytes).value()});
    return GuestMemory::create(std::move(regions)).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto memory = make_memory();
    const arch::BytesSource image(std::as_bytes(std::span(data, size)));
    if (const auto kernel = arch::load_kernel(image, memory)) {
        fuzz::require(kernel->entry >= arch::kHighMemoryStart && kernel->entry < kernel->end);
        fuzz::require(kernel->end <= ram_bytes);
    }
    return 0;
}
