#include "vmm/devices/virtio/mmio_transport.h"

#include <doctest/doctest.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

#include <algorithm>
#include <array>
#include <future>
#include <thread>

#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/base/event_loop.h"

using namespace nacre::virtio;
using nacre::GuestAddress;
using nacre::Result;

namespace {

constexpr std::uint32_t acknowledge = VIRTIO_CONFIG_S_ACKNOWLEDGE;
constexpr std::uint32_t driver = acknowledge | VIRTIO_CONFIG_S_DRIVER;
constexpr std::uint32_t features_ok = driver | VIRTIO_CONFIG_S_FEATURES_OK;
constexpr std::uint32_t driver_ok = features_ok | VIRTIO_CONFIG_S_DRIVER_OK;

// Two queues, 8 bytes of configuration, one shared memory region. Remembers what it was told.
class TestDevice final : public Device {
  public:
    std::uint32_t type() const override { return 42; }
    std::uint64_t features() const override { return 1U << 5; }
    std::vector<std::uint16_t> queue_sizes() const override { return {8, 4}; }
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override {
        for (auto& byte : data) {
            byte = offset < config.size() ? config[offset] : std::byte{0};
            ++offset;
        }
    }
    void write_config(std::uint64_t offset, std::span<const std::byte> data) override {
        for (const auto byte : data) {
            if (offset < config.size())
                config[offset] = byte;
            ++offset;
        }
    }
    std::vector<SharedMemoryRegion> shared_memory() const override {
        return {{1, 0x1200000000, 0x340000000}};
    }
    Result<void> activate(Activation given) override {
        ++activations;
        if (refuse)
            return nacre::fail("the test says so");
        activation = std::move(given);
        return {};
    }
    void deactivate() override {
        ++deactivations;
        activation.reset();
    }

    std::array<std::byte, 8> config{};
    std::optional<Activation> activation;
    bool refuse = false;
    unsigned activations = 0;
    unsigned deactivations = 0;
};

struct Fixture {
    fake::FakeGuest guest;
    fake::FakeRing ring{guest, 8};
    TestDevice device;
    nacre::Log log{-1, nacre::LogLevel::error, 0};
    std::unique_ptr<MmioTransport> transport = MmioTransport::create(guest.memory(), device, log).value();

    std::uint32_t read(std::uint64_t offset) const {
        std::array<std::byte, 4> bytes{};
        transport->read(offset, bytes);
        std::uint32_t value = 0;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    void write(std::uint64_t offset, std::uint32_t value) const {
        transport->write(offset, std::as_bytes(std::span(&value, 1)));
    }
    std::uint32_t set_status(std::uint32_t value) const {
        write(VIRTIO_MMIO_STATUS, value);
        return read(VIRTIO_MMIO_STATUS);
    }
    void accept_features(std::uint64_t features) const {
        for (const std::uint32_t half : {0U, 1U}) {
            write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
            write(VIRTIO_MMIO_DRIVER_FEATURES, static_cast<std::uint32_t>(features >> (32 * half)));
        }
    }
    void negotiate(std::uint64_t features = std::uint64_t{1} << VIRTIO_F_VERSION_1) const {
        set_status(acknowledge);
        set_status(driver);
        accept_features(features);
        REQUIRE(set_status(features_ok) == features_ok);
    }
    void place_queue(std::uint32_t index, const QueueLayout& layout) const {
        write(VIRTIO_MMIO_QUEUE_SEL, index);
        write(VIRTIO_MMIO_QUEUE_NUM, layout.size);
        write_address(VIRTIO_MMIO_QUEUE_DESC_LOW, layout.descriptor_table);
        write_address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, layout.available_ring);
        write_address(VIRTIO_MMIO_QUEUE_USED_LOW, layout.used_ring);
    }
    void write_address(std::uint64_t low_offset, GuestAddress address) const {
        write(low_offset, static_cast<std::uint32_t>(address));
        write(low_offset + 4, static_cast<std::uint32_t>(address >> 32));
    }
    // Writes QueueReady and gives what reads back.
    std::uint32_t make_ready(std::uint32_t value = 1) const {
        write(VIRTIO_MMIO_QUEUE_READY, value);
        return read(VIRTIO_MMIO_QUEUE_READY);
    }
    void start() const {
        negotiate();
        place_queue(0, ring.layout());
        REQUIRE(make_ready() == 1);
        REQUIRE(set_status(driver_ok) == driver_ok);
    }
};

}  // namespace

// Accesses that a register block does not answer.

TEST_CASE_FIXTURE(Fixture, "registers answer 32-bit accesses alone; others read as zero and change nothing") {
    for (const std::size_t width : {1U, 2U, 8U}) {
        std::vector<std::byte> data(width, std::byte{0xff});
        transport->read(VIRTIO_MMIO_MAGIC_VALUE, data);
        CHECK(data == std::vector<std::byte>(width));
        data[0] = std::byte{1};
        transport->write(VIRTIO_MMIO_STATUS, data);
        CHECK(read(VIRTIO_MMIO_STATUS) == 0);
    }
    CHECK(read(VIRTIO_MMIO_MAGIC_VALUE + 2) == 0);
    write(VIRTIO_MMIO_STATUS - 1, 0x101);
    CHECK(read(VIRTIO_MMIO_STATUS) == 0);
}

TEST_CASE_FIXTURE(Fixture, "undefined and write-only registers read as zero, at any time") {
    const auto check = [&] {
        for (const unsigned offset : std::to_array<unsigned>(
                 {VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_QUEUE_SEL,
                  VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_INTERRUPT_ACK,
                  VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH, VIRTIO_MMIO_SHM_SEL, 0x018, 0x0a8,
                  0x0c0, 0x0f8}))
            CHECK(read(offset) == 0);
    };
    check();
    start();
    check();
}

TEST_CASE_FIXTURE(Fixture, "no write to any register at any time does harm") {
    for (unsigned round = 0; round < 3; ++round) {
        for (std::uint64_t offset = 0; offset < 0x200; ++offset) {
            for (const std::uint32_t value : {0U, 1U, 0x80000000U, 0xffffffffU}) {
                if (offset != VIRTIO_MMIO_STATUS)
                    write(offset, value);
            }
        }
        CHECK(read(VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
        CHECK(read(VIRTIO_MMIO_DEVICE_ID) == 42);
        if (round == 0)
            start();
        else
            set_status(0);
    }
}

// Steps of initialisation taken wrongly.

TEST_CASE_FIXTURE(Fixture, "undefined status bits are never set") {
    CHECK(set_status(0x10) == 0);
    CHECK(set_status(0xffffff30 | acknowledge) == acknowledge);
    CHECK(set_status(VIRTIO_CONFIG_S_NEEDS_RESET | acknowledge) == acknowledge);
}

TEST_CASE_FIXTURE(Fixture, "a status bit without its predecessor is not set") {
    CHECK(set_status(VIRTIO_CONFIG_S_DRIVER) == 0);
    CHECK(set_status(VIRTIO_CONFIG_S_FEATURES_OK) == 0);
    CHECK(set_status(VIRTIO_CONFIG_S_DRIVER_OK) == 0);
    CHECK(set_status(acknowledge | VIRTIO_CONFIG_S_DRIVER_OK) == acknowledge);
    CHECK(device.activations == 0);
}

TEST_CASE_FIXTURE(Fixture, "status bits are not cleared one by one") {
    negotiate();
    CHECK(set_status(driver) == features_ok);
    CHECK(set_status(0x10) == features_ok);
}

TEST_CASE_FIXTURE(Fixture, "features without VERSION_1, or more than offered, are not accepted") {
    set_status(acknowledge);
    set_status(driver);
    SUBCASE("nothing accepted") {}
    SUBCASE("no VERSION_1") {
        accept_features(1U << 5);
    }
    SUBCASE("unoffered") {
        accept_features(std::uint64_t{1} << VIRTIO_F_VERSION_1 | 1U << 6);
    }
    SUBCASE("all") {
        accept_features(~std::uint64_t{0});
    }
    CHECK(set_status(features_ok) == driver);
    CHECK(set_status(driver_ok) == driver);
    CHECK(device.activations == 0);
}

TEST_CASE_FIXTURE(Fixture, "features are frozen before DRIVER and after FEATURES_OK") {
    accept_features(~std::uint64_t{0});
    negotiate();
    accept_features(std::uint64_t{1} << VIRTIO_F_VERSION_1 | 1U << 5);
    set_status(driver_ok);
    REQUIRE(device.activation);
    CHECK(device.activation->features == std::uint64_t{1} << VIRTIO_F_VERSION_1);
}

TEST_CASE_FIXTURE(Fixture, "feature words past the second read as zero and are not written") {
    write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
    CHECK(read(VIRTIO_MMIO_DEVICE_FEATURES) == 0);
    set_status(driver);
    accept_features(std::uint64_t{1} << VIRTIO_F_VERSION_1);
    for (const std::uint32_t select : {2U, 0xffffffffU}) {
        write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, select);
        write(VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
    }
    CHECK(set_status(features_ok) == features_ok);
}

// Queues set up wrongly.

TEST_CASE_FIXTURE(Fixture, "a queue that does not exist has size zero and cannot be made ready") {
    negotiate();
    for (const std::uint32_t index : {2U, 3U, 0x10000U, 0xffffffffU}) {
        place_queue(index, ring.layout());
        CHECK(read(VIRTIO_MMIO_QUEUE_NUM_MAX) == 0);
        CHECK(make_ready() == 0);
        write(VIRTIO_MMIO_QUEUE_NOTIFY, index);
    }
    CHECK(transport->kick(0).drain() == 0);
    CHECK(transport->kick(1).drain() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "queue sizes that are no power of two up to the maximum leave the queue not ready") {
    negotiate();
    for (const std::uint32_t size : {0U, 3U, 16U, 0x10000U, 0x10008U, 0xffffffffU}) {
        place_queue(0, ring.layout());
        write(VIRTIO_MMIO_QUEUE_NUM, size);
        CHECK(make_ready() == 0);
    }
    // The maximum is each queue's own.
    place_queue(1, ring.layout());
    CHECK(make_ready() == 0);
}

TEST_CASE_FIXTURE(Fixture, "rings that are unaligned or outside RAM leave the queue not ready") {
    negotiate();
    for (const auto area :
         {&QueueLayout::descriptor_table, &QueueLayout::available_ring, &QueueLayout::used_ring}) {
        for (const GuestAddress address : {ring.layout().*area + 1, fake::FakeGuest::in_hole,
                                           fake::FakeGuest::low_end - 16, GuestAddress{0} - 16}) {
            auto layout = ring.layout();
            layout.*area = address;
            place_queue(0, layout);
            CHECK(make_ready() == 0);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "a queue is made ready by one alone, and only when it was configured") {
    negotiate();
    write(VIRTIO_MMIO_QUEUE_SEL, 0);
    CHECK(make_ready() == 0);
    place_queue(0, ring.layout());
    CHECK(make_ready(2) == 0);
    CHECK(make_ready(0xffffffff) == 0);
    CHECK(make_ready(1) == 1);
    CHECK(make_ready(0) == 0);
}

TEST_CASE_FIXTURE(Fixture, "queues cannot be configured before FEATURES_OK") {
    set_status(driver);
    place_queue(0, ring.layout());
    CHECK(make_ready() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a ready queue is frozen: the device gets what was checked") {
    negotiate();
    place_queue(0, ring.layout());
    REQUIRE(make_ready() == 1);
    place_queue(0, {4, fake::FakeGuest::in_hole, fake::FakeGuest::in_hole, fake::FakeGuest::in_hole});
    REQUIRE(set_status(driver_ok) == driver_ok);
    REQUIRE(device.activation);
    ring.chain().readable("abc").publish();
    CHECK(device.activation->queues.at(0)->queue.pop().value()->readable_bytes == 3);
}

TEST_CASE_FIXTURE(Fixture, "after DRIVER_OK no queue can be changed, enabled or disabled") {
    start();
    CHECK(make_ready(0) == 1);
    auto layout = ring.layout();
    layout.size = 4;
    place_queue(1, layout);
    CHECK(make_ready() == 0);
    CHECK_FALSE(device.activation->queues.at(1));
}

TEST_CASE_FIXTURE(Fixture, "DRIVER_OK twice activates once") {
    start();
    CHECK(set_status(driver_ok) == driver_ok);
    CHECK(device.activations == 1);
}

TEST_CASE_FIXTURE(Fixture, "a device that cannot start needs a reset, and can be started after it") {
    device.refuse = true;
    negotiate();
    CHECK(set_status(driver_ok) == (driver_ok | VIRTIO_CONFIG_S_NEEDS_RESET));
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
    CHECK(device.deactivations == 1);
    CHECK(set_status(driver_ok) == (driver_ok | VIRTIO_CONFIG_S_NEEDS_RESET));
    CHECK(device.activations == 1);
    device.refuse = false;
    CHECK(set_status(0) == 0);
    start();
    CHECK(device.activation);
}

TEST_CASE_FIXTURE(Fixture, "a kick before DRIVER_OK waits; one from before a reset is forgotten") {
    write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    start();
    CHECK(transport->kick(0).drain() == 1);
    write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    set_status(0);
    CHECK(transport->kick(0).drain() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a shared memory region that does not exist reads as all ones") {
    for (const std::uint32_t select : {0U, 2U, 257U, 0xffffffffU}) {
        write(VIRTIO_MMIO_SHM_SEL, select);
        for (const unsigned offset :
             std::to_array<unsigned>({VIRTIO_MMIO_SHM_LEN_LOW, VIRTIO_MMIO_SHM_LEN_HIGH,
                                      VIRTIO_MMIO_SHM_BASE_LOW, VIRTIO_MMIO_SHM_BASE_HIGH}))
            CHECK(read(offset) == 0xffffffff);
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "configuration space is read at any width and offset, and written by a driver only") {
    const auto one = std::array{std::byte{1}};
    transport->write(VIRTIO_MMIO_CONFIG + 3, one);
    CHECK(read(VIRTIO_MMIO_CONFIG) == 0);
    set_status(driver);
    transport->write(VIRTIO_MMIO_CONFIG + 3, one);
    CHECK(read(VIRTIO_MMIO_CONFIG) == 0x01000000);
    std::array<std::byte, 8> wide{};
    wide.fill(std::byte{0xff});
    transport->read(VIRTIO_MMIO_CONFIG + 1, wide);
    CHECK(std::count(wide.begin(), wide.end(), std::byte{0}) == 7);
    CHECK(read(MmioTransport::block_size - 4) == 0);
}

TEST_CASE("a device whose queue sizes make no sense gets no transport") {
    struct Odd final : Device {
        std::uint32_t type() const override { return 1; }
        std::uint64_t features() const override { return 0; }
        std::vector<std::uint16_t> queue_sizes() const override { return {12}; }
        void read_config(std::uint64_t, std::span<std::byte>) const override {}
        Result<void> activate(Activation) override { return {}; }
        void deactivate() override {}
    } device;
    const fake::FakeGuest guest;
    nacre::Log log(-1, nacre::LogLevel::error, 0);
    CHECK_FALSE(MmioTransport::create(guest.memory(), device, log));
}

// A driver that does it right.

TEST_CASE_FIXTURE(Fixture, "the block says what it is") {
    CHECK(read(VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
    CHECK(read(VIRTIO_MMIO_VERSION) == 2);
    CHECK(read(VIRTIO_MMIO_DEVICE_ID) == 42);
    write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    CHECK(read(VIRTIO_MMIO_DEVICE_FEATURES) ==
          (1U << 5 | 1U << VIRTIO_RING_F_EVENT_IDX | 1U << VIRTIO_RING_F_INDIRECT_DESC));
    write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    CHECK(read(VIRTIO_MMIO_DEVICE_FEATURES) == 1U << (VIRTIO_F_VERSION_1 - 32));
    write(VIRTIO_MMIO_QUEUE_SEL, 1);
    CHECK(read(VIRTIO_MMIO_QUEUE_NUM_MAX) == 4);
    write(VIRTIO_MMIO_SHM_SEL, 1);
    CHECK(read(VIRTIO_MMIO_SHM_LEN_LOW) == 0x40000000);
    CHECK(read(VIRTIO_MMIO_SHM_LEN_HIGH) == 0x3);
    CHECK(read(VIRTIO_MMIO_SHM_BASE_LOW) == 0);
    CHECK(read(VIRTIO_MMIO_SHM_BASE_HIGH) == 0x12);
}

TEST_CASE_FIXTURE(Fixture, "DRIVER_OK hands the device its queues, memory and accepted features") {
    start();
    REQUIRE(device.activation);
    CHECK(device.activation->memory == &guest.memory());
    REQUIRE(device.activation->queues.size() == 2);
    REQUIRE(device.activation->queues[0]);
    CHECK(device.activation->queues[0]->kick == &transport->kick(0));
    CHECK_FALSE(device.activation->queues[1]);
    write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(device.activation->queues[0]->kick->drain() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "with the line in the kernel's hand, the used-buffer bit is always set, until a reset") {
    start();
    auto& interrupt = *device.activation->interrupt;
    CHECK(&interrupt.used_buffer_line() == &transport->interrupt_line());
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_VRING);
    write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_VRING);
    set_status(0);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
}

TEST_CASE_FIXTURE(Fixture, "interrupts set their bit, raise the line, and are acknowledged bit by bit") {
    start();
    auto& interrupt = *device.activation->interrupt;
    interrupt.signal_used_buffer();
    CHECK(transport->interrupt_line().drain() == 1);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_VRING);
    const auto generation = read(VIRTIO_MMIO_CONFIG_GENERATION);
    interrupt.begin_config_change();
    CHECK(read(VIRTIO_MMIO_CONFIG_GENERATION) == generation + 1);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_VRING);
    interrupt.signal_config_change();
    CHECK(read(VIRTIO_MMIO_CONFIG_GENERATION) == generation + 2);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG));
    write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
    write(VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    interrupt.signal_needs_reset();
    CHECK(read(VIRTIO_MMIO_STATUS) == (driver_ok | VIRTIO_CONFIG_S_NEEDS_RESET));
}

TEST_CASE_FIXTURE(Fixture, "a reset deactivates the device and forgets everything the driver wrote") {
    start();
    device.activation->interrupt->signal_needs_reset();
    CHECK(set_status(0) == 0);
    CHECK(device.deactivations == 1);
    CHECK(read(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    CHECK(read(VIRTIO_MMIO_QUEUE_READY) == 0);
    CHECK(set_status(0) == 0);
    CHECK(device.deactivations == 1);
    negotiate();
    CHECK(set_status(driver_ok) == driver_ok);
    CHECK_FALSE(device.activation->queues[0]);
}

TEST_CASE_FIXTURE(Fixture, "the end of the transport deactivates the device") {
    start();
    transport.reset();
    CHECK(device.deactivations == 1);
}

TEST_CASE("a reset waits for a device thread that signals meanwhile") {
    // A device on a loop of its own that interrupts for every kick, as real ones do.
    class LoopDevice final : public Device {
      public:
        explicit LoopDevice(nacre::EventLoop& loop) : loop_(loop) {}
        std::uint32_t type() const override { return 1; }
        std::uint64_t features() const override { return 0; }
        std::vector<std::uint16_t> queue_sizes() const override { return {8}; }
        void read_config(std::uint64_t, std::span<std::byte>) const override {}
        Result<void> activate(Activation activation) override {
            Result<void> result;
            loop_.run_in_loop([&] {
                activation_ = std::move(activation);
                result = loop_.add(kick(), EPOLLIN, [this](std::uint32_t) {
                    activation_->queues[0]->kick->drain();
                    activation_->interrupt->signal_used_buffer();
                });
            });
            return result;
        }
        void deactivate() override {
            loop_.run_in_loop([&] {
                loop_.remove(kick());
                activation_.reset();
            });
        }

      private:
        int kick() const { return activation_->queues[0]->kick->fd(); }
        nacre::EventLoop& loop_;
        std::optional<Activation> activation_;
    };

    auto loop = nacre::EventLoop::create().value();
    LoopDevice device(*loop);
    const fake::FakeGuest guest;
    nacre::Log log(-1, nacre::LogLevel::error, 0);
    Fixture registers;
    registers.transport = MmioTransport::create(registers.guest.memory(), device, log).value();
    std::promise<void> running;
    loop->post([&] { running.set_value(); });
    std::thread runner([&] { CHECK(loop->run()); });
    running.get_future().wait();
    for (unsigned round = 0; round < 200; ++round) {
        registers.start();
        registers.write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
        CHECK(registers.set_status(0) == 0);
        CHECK(registers.read(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    }
    registers.transport.reset();
    loop->stop();
    runner.join();
}
