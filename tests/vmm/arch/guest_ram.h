#pragma once

#include <doctest/doctest.h>

#include "vmm/arch/memory_layout.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::arch {

/// Guest memory as the machine makes it, of `bytes` in all.
inline GuestMemory make_guest_ram(std::uint64_t bytes) {
    std::vector<GuestMemory::Region> regions;
    for (const auto& range : ram_ranges(bytes)) {
        auto mapping = MemoryMapping::anonymous(range.size);
        REQUIRE(mapping);
        regions.push_back({range.start, std::move(*mapping)});
    }
    auto memory = GuestMemory::create(std::move(regions));
    REQUIRE(memory);
    return std::move(*memory);
}

}  // namespace nacre::arch
