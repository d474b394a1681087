#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "vmm/base/memory_mapping.h"
#include "vmm/base/result.h"

namespace nacre {

/// A guest-physical address. Always untrusted when it comes from the guest.
using GuestAddress = std::uint64_t;

/// The guest's RAM as the VMM sees it: a few regions, each one private mapping of this process.
///
/// The guest changes this memory while we read it. So whatever is decided upon is copied out once
/// (read_object) and never fetched twice; spans are for bulk data only. All functions are safe from any
/// thread, but for grow(). Regions are added before the guest runs; they stay mapped for as long as the
/// object lives. One of them may grow meanwhile.
class GuestMemory {
  public:
    struct Region {
        GuestAddress start;
        MemoryMapping mapping;
    };

    /// Regions in ascending order that do not overlap; sizes are multiples of 4096. `growing` lies above
    /// them, a reserved mapping of which nothing is RAM yet.
    static Result<GuestMemory> create(std::vector<Region> regions,
                                      std::optional<Region> growing = std::nullopt);

    /// Those of the start.
    const std::vector<Region>& regions() const { return regions_; }

    /// The region that grows; null when there is none.
    const Region* growing_region() const { return growing_ ? &growing_->region : nullptr; }

    /// Makes the first `bytes` of the growing region RAM; an error when it is smaller, or RAM already further
    /// than that: pointers into it are about. On one thread.
    Result<void> grow(std::uint64_t bytes);

    /// Bytes of RAM in all regions.
    std::uint64_t size() const;

    /// The memory [address, address + length), which must lie within one region; an error otherwise
    /// (overflow, hole, past the end). `length` 0 gives an empty span for any address inside a region.
    Result<std::span<std::byte>> slice(GuestAddress address, std::uint64_t length) const;

    /// Copies a little-endian object out of the guest, exactly once.
    template <class T>
    Result<T> read_object(GuestAddress address) const {
        static_assert(std::is_trivially_copyable_v<T>);
        NACRE_ASSIGN(const auto source, slice(address, sizeof(T)));
        T object;
        std::memcpy(&object, source.data(), sizeof(T));
        return object;
    }

    /// Copies an object into the guest.
    template <class T>
    Result<void> write_object(GuestAddress address, const T& object) const {
        static_assert(std::is_trivially_copyable_v<T>);
        NACRE_ASSIGN(const auto target, slice(address, sizeof(T)));
        std::memcpy(target.data(), &object, sizeof(T));
        return {};
    }

  private:
    struct Growing {
        explicit Growing(Region grows) : region(std::move(grows)) {}
        Region region;
        std::atomic<std::uint64_t> bytes = 0;  // that are RAM
    };

    GuestMemory(std::vector<Region> regions, std::unique_ptr<Growing> growing)
        : regions_(std::move(regions)), growing_(std::move(growing)) {}

    std::vector<Region> regions_;
    std::unique_ptr<Growing> growing_;
};

}  // namespace nacre
