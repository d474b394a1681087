#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/base/result.h"

namespace nacre {

/// What answers guest accesses to a range of a bus. Called on vCPU threads, several at once: a handler locks
/// for itself, does register work only, and never blocks on the guest. Any size and offset inside the range
/// may come.
class BusHandler {
  public:
    virtual ~BusHandler() = default;

    /// Fills `data` (1, 2, 4 or 8 bytes, little-endian) with what stands at `offset` from the range's start.
    virtual void read(std::uint64_t offset, std::span<std::byte> data) = 0;

    /// Takes the bytes that the guest wrote at `offset`.
    virtual void write(std::uint64_t offset, std::span<const std::byte> data) = 0;
};

/// An address space (MMIO or port I/O) of disjoint ranges. Filled before the vCPUs run, read-only afterwards.
class Bus {
  public:
    /// Puts `handler` at [base, base + size); it must outlive the bus. Fails on overlap, overflow or size 0.
    Result<void> add(std::uint64_t base, std::uint64_t size, BusHandler& handler);

    /// false when no range holds all of the access; `data` then reads as all ones.
    bool read(std::uint64_t address, std::span<std::byte> data) const;
    bool write(std::uint64_t address, std::span<const std::byte> data) const;

  private:
    struct Range {
        std::uint64_t base;
        std::uint64_t size;
        BusHandler* handler;
    };
    const Range* find(std::uint64_t address, std::size_t length) const;

    std::vector<Range> ranges_;
};

}  // namespace nacre
