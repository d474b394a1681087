#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vmm/devices/virtio/device.h"

/// The guest's side of a virtio device, for tests and fuzzers: RAM, rings and a driver that plays by the
/// rules unless told otherwise. Link nacre_fake_driver.
///
///     EventLoop& loop = …;
///     RngDevice device(loop, …);
///     fake::FakeDriver driver(device);                      // or driver(device, features it accepts)
///     REQUIRE(driver.activate());                           // DRIVER_OK
///     driver.ring(0).chain().readable("request").writable(64).publish();
///     driver.kick(0);
///     REQUIRE(loop.run_once(0));
///     auto used = driver.ring(0).collect_used();            // {head, written, bytes}, in used-ring order
///     CHECK(driver.interrupt().used_buffer == 1);
///
/// Malformed input: chain().raw(address, length, flags) puts any descriptor into an otherwise proper chain;
/// poke_descriptor(), publish_head() and poke_available_index() write the ring without any check. The
/// addresses below name places where a buffer must not be.
///
/// To test a Queue alone: Queue::create(guest.memory(), ring.layout(), …) with a FakeGuest and a FakeRing.
namespace nacre::virtio::fake {

/// RAM [0, 16 MiB) and [4 GiB, 4 GiB + 1 MiB), with nothing in between, like a guest with an MMIO hole.
class FakeGuest {
  public:
    static constexpr GuestAddress low_end = 16U << 20;
    static constexpr GuestAddress in_hole = 0xd0000000;
    static constexpr GuestAddress high_start = std::uint64_t{4} << 30;
    static constexpr GuestAddress high_end = high_start + (1U << 20);

    FakeGuest();

    const GuestMemory& memory() const { return memory_; }

    /// `bytes` of low RAM, aligned to 4096, not given to anyone else.
    GuestAddress allocate(std::uint64_t bytes);

    void write(GuestAddress address, std::string_view bytes) const;
    std::string read(GuestAddress address, std::uint64_t length) const;

  private:
    GuestMemory memory_;
    GuestAddress next_free_ = 0x1000;
};

/// struct virtq_desc (Virtio 1.2, 2.7.5).
struct Descriptor {
    GuestAddress address = 0;
    std::uint32_t length = 0;
    std::uint16_t flags = 0;
    std::uint16_t next = 0;
};
constexpr std::uint16_t flag_next = 1;
constexpr std::uint16_t flag_write = 2;
constexpr std::uint16_t flag_indirect = 4;

/// A buffer that the device gave back.
struct UsedBuffer {
    std::uint16_t head;
    std::uint32_t written;
    std::string bytes;  // the first `written` bytes of the chain's writable part
};

class FakeRing;

/// Builds one descriptor chain: nothing is in the ring before publish() or place().
class ChainBuilder {
  public:
    explicit ChainBuilder(FakeRing& ring) : ring_(ring) {}

    /// A buffer that holds `bytes`; in RAM of the ring's own.
    ChainBuilder& readable(std::string_view bytes);
    /// A buffer of `length` bytes (filled with 0xee) for the device to write.
    ChainBuilder& writable(std::uint32_t length);
    /// A descriptor as given; only NEXT and `next` are added. `flags`: flag_write, flag_indirect, any.
    ChainBuilder& raw(GuestAddress address, std::uint32_t length, std::uint16_t flags = 0);
    /// Puts the chain so far into an indirect table; it must be the last call before publish().
    ChainBuilder& indirect();

    /// Writes the descriptors and returns the head, which is not yet available to the device.
    std::uint16_t place();
    /// place(), and makes it available.
    std::uint16_t publish();

  private:
    FakeRing& ring_;
    std::vector<Descriptor> descriptors_;
    std::vector<Descriptor> writable_;  // for collect_used()
};

/// The driver's side of one split virtqueue. Throws std::logic_error when a test uses it wrongly (no free
/// descriptors, say).
class FakeRing {
  public:
    FakeRing(FakeGuest& guest, std::uint16_t size);

    const QueueLayout& layout() const { return layout_; }

    ChainBuilder chain() { return ChainBuilder(*this); }

    /// What the device has given back since the last call, in order; frees the descriptors.
    std::vector<UsedBuffer> collect_used();

    /// Chains published and not yet collected.
    std::size_t in_flight() const { return in_flight_.size(); }

    /// Whether the device asks to be kicked for what was published since the last call: by avail_event with
    /// `event_index`, by the used ring's flags without.
    bool wants_kick(bool event_index);

    /// Asks for an interrupt once the used index passes `index` (event index), resp. for none at all (flags).
    void set_used_event(std::uint16_t index) const;
    void set_no_interrupt(bool no_interrupt) const;

    // The ring as it is, without any check.
    void poke_descriptor(std::uint16_t index, const Descriptor& descriptor) const;
    Descriptor peek_descriptor(std::uint16_t index) const;
    void publish_head(std::uint16_t head);
    void poke_available_index(std::uint16_t index);
    std::uint16_t available_index() const { return available_index_; }
    std::uint16_t used_index() const;

    /// An empty ring again, as after a device reset. Indices start at zero.
    void clear();

  private:
    friend class ChainBuilder;
    struct InFlight {
        std::vector<std::uint16_t> descriptors;
        std::vector<Descriptor> writable;
    };
    GuestAddress buffer(std::uint64_t length);
    std::uint16_t take_descriptor();
    std::atomic_ref<std::uint16_t> shared(GuestAddress address) const;
    UsedBuffer read_used(std::uint16_t position);

    FakeGuest& guest_;
    QueueLayout layout_;
    GuestAddress buffers_;
    std::uint64_t buffers_used_ = 0;
    std::deque<std::uint16_t> free_;
    std::map<std::uint16_t, InFlight> in_flight_;
    std::uint16_t available_index_ = 0;
    std::uint16_t kicked_index_ = 0;
    std::uint16_t collected_ = 0;
};

/// Counts what a device tells its driver. Safe from any thread.
class FakeInterrupt final : public Interrupt {
  public:
    void signal_used_buffer() override { ++used_buffer; }
    void begin_config_change() override { ++config_change_begun; }
    const EventFd& used_buffer_line() override { return line; }
    void signal_config_change() override { ++config_change; }
    void signal_needs_reset() override { ++needs_reset; }

    std::atomic<unsigned> used_buffer{0};
    std::atomic<unsigned> config_change_begun{0};
    std::atomic<unsigned> config_change{0};
    std::atomic<unsigned> needs_reset{0};
    const EventFd line = EventFd::create().value();
};

/// Drives one device the way a transport does, without registers.
class FakeDriver {
  public:
    /// A ring for each of the device's queues, of its largest size but no more than `max_ring_size`.
    explicit FakeDriver(Device& device, std::uint64_t features = 0, std::uint16_t max_ring_size = 256);
    FakeDriver(const FakeDriver&) = delete;
    FakeDriver& operator=(const FakeDriver&) = delete;
    ~FakeDriver() { reset(); }

    /// Leaves queue `index` disabled at activate().
    void disable_queue(std::size_t index) { disabled_.push_back(index); }

    /// Makes the queues and activates the device; like the transport, deactivates it if that fails.
    Result<void> activate();

    /// Deactivates the device and empties the rings. activate() may follow.
    void reset();

    FakeGuest& guest() { return guest_; }
    FakeRing& ring(std::size_t index) { return rings_.at(index); }
    FakeInterrupt& interrupt() { return interrupt_; }

    /// Signals the queue's kick eventfd, whatever the device asked for.
    void kick(std::size_t index) const { kicks_.at(index).signal(); }

  private:
    Device& device_;
    std::uint64_t features_;
    FakeGuest guest_;
    FakeInterrupt interrupt_;
    std::deque<FakeRing> rings_;
    std::vector<EventFd> kicks_;
    std::vector<std::size_t> disabled_;
    bool active_ = false;
};

}  // namespace nacre::virtio::fake
