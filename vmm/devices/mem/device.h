#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "vmm/devices/mem/blocks.h"
#include "vmm/devices/virtio/queue_server.h"

struct virtio_mem_req;

namespace nacre::mem {

/// The memory device (Virtio 1.2, 5.15): how much RAM the guest has beside that of its start. resize() says
/// how much there is to be; the guest's driver follows in its own time, or cannot.
///
/// Requests and resize() run on the loop's thread; the configuration space is read on vCPU threads.
class Device final : public virtio::Device {
  public:
    /// What becomes usable does so in such steps: the memory blocks of Linux on x86-64.
    static constexpr std::uint64_t usable_step = std::uint64_t{128} << 20;

    /// The region that blocks are plugged into.
    struct Region {
        GuestAddress start;
        std::span<std::byte> memory;  // a multiple of usable_step; outlives the device
        /// Makes the first `bytes` of it RAM of the guest: more than before, a multiple of usable_step.
        std::function<Result<void>(std::uint64_t bytes)> make_usable;
    };

    /// `loop` and `log` outlive the device.
    Device(EventLoop& loop, Region region, Log& log);

    /// Asks the driver to have `bytes` (a multiple of Blocks::size, at most region_bytes()) plugged. An error
    /// when they cannot be made usable; nothing has changed then.
    Result<void> resize(std::uint64_t bytes);

    std::uint64_t region_bytes() const { return region_.memory.size(); }
    std::uint64_t requested_bytes() const { return requested_; }
    std::uint64_t plugged_bytes() const { return plugged_; }

    std::uint32_t type() const override;
    std::uint64_t features() const override { return 0; }
    std::vector<std::uint16_t> queue_sizes() const override { return {16}; }
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

  private:
    std::uint32_t answer(const virtio::DescriptorChain& chain);
    std::uint16_t carry_out(const virtio_mem_req& request, Blocks::State& state);
    std::uint16_t plug(const Blocks::Range& range);
    std::uint16_t unplug(const Blocks::Range& range);
    std::uint16_t unplug_all();
    bool give_back(std::uint64_t offset, std::uint64_t bytes);

    EventLoop& loop_;
    Region region_;
    Log& log_;

    // On the loop's thread only.
    Blocks blocks_;
    virtio::Interrupt* interrupt_ = nullptr;  // while active

    // What the configuration space shows.
    std::atomic<std::uint64_t> usable_{0};
    std::atomic<std::uint64_t> plugged_{0};
    std::atomic<std::uint64_t> requested_{0};

    virtio::QueueServer requests_;
};

}  // namespace nacre::mem
