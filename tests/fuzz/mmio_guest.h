#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/fuzz/input.h"
#include "vmm/devices/virtio/mmio_transport.h"

namespace nacre::fuzz {

/// A guest that does with a virtio device what the fuzzer's bytes say: any access to its registers, any write
/// to memory, kicks, resets; and, because chance alone seldom gets there, a proper start of the device and
/// the publishing of descriptor chains.
class MmioGuest {
  public:
    static constexpr GuestAddress low_end = 0x40000;
    static constexpr GuestAddress high_start = 0x100000;
    static constexpr GuestAddress high_end = high_start + 0x10000;

    /// RAM [0, low_end) and [high_start, high_end), all zeroes. It is one for the process, and a guest's
    /// alone while it lives.
    static const GuestMemory& memory();

    /// Called for input bytes that are the device's own business: what its host side does.
    using HostStep = std::function<void(Input&)>;
    /// Called after every step: lets the device do its work.
    using Settle = std::function<void()>;

    /// `device` outlives the guest.
    MmioGuest(virtio::Device& device, HostStep host_step, Settle settle);

    /// Carries out all of `input`.
    void run(Input& input);

    /// VIRTIO_CONFIG_S_…, as the guest reads it.
    std::uint32_t status() const;

    /// Every chain published is answered, or the device wants a reset, or is not running.
    bool is_idle() const;

  private:
    static constexpr std::uint16_t queue_size = 16;

    struct Ring {
        std::uint16_t size = queue_size;
        std::uint16_t available = 0;
        std::uint16_t next_descriptor = 0;
    };

    void step(Input& input);
    void read_registers(Input& input);
    void write_registers(Input& input);
    void write_memory(Input& input);
    void start(Input& input);
    void publish(Input& input);
    void set_register(std::uint64_t offset, std::uint32_t value);
    std::uint32_t get_register(std::uint64_t offset) const;
    GuestAddress ring_base(std::size_t queue) const;
    GuestAddress buffer(std::uint32_t length);

    Log log_;
    std::unique_ptr<virtio::MmioTransport> transport_;
    HostStep host_step_;
    Settle settle_;
    std::vector<Ring> rings_;
    GuestAddress next_buffer_;
};

}  // namespace nacre::fuzz
