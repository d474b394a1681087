#include "vmm/devices/virtio/hotplug_slot.h"

#include <doctest/doctest.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using namespace nacre::virtio;

namespace {

constexpr std::uint32_t device_type = 4;

/// A device without queues that counts how it is treated.
class IdleDevice final : public Device {
  public:
    explicit IdleDevice(int& alive) : alive_(alive) { ++alive_; }
    ~IdleDevice() override { --alive_; }
    std::uint32_t type() const override { return device_type; }
    std::uint64_t features() const override { return 0; }
    std::vector<std::uint16_t> queue_sizes() const override { return {}; }
    void read_config(std::uint64_t, std::span<std::byte>) const override {
        if (on_config)
            on_config();
    }
    Result<void> activate(Activation) override { return {}; }
    void deactivate() override {}

    std::function<void()> on_config;

  private:
    int& alive_;
};

struct Fixture {
    fake::FakeGuest guest;
    Log log{STDERR_FILENO, LogLevel::error, 0};
    int alive = 0;
    HotplugSlot slot;

    IdleDevice* attach() {
        auto device = std::make_unique<IdleDevice>(alive);
        auto* raw = device.get();
        auto transport = MmioTransport::create(guest.memory(), *device, log);
        REQUIRE(transport);
        slot.attach(std::move(device), std::move(*transport));
        return raw;
    }

    std::uint32_t read(std::uint64_t offset) {
        std::uint32_t value = 0xffffffff;
        slot.read(offset, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }

    void write(std::uint64_t offset, std::uint32_t value) {
        slot.write(offset, std::as_bytes(std::span(&value, 1)));
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an empty slot is the placeholder with device ID 0, and takes no writes") {
    CHECK(read(VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
    CHECK(read(VIRTIO_MMIO_VERSION) == 2);
    CHECK(read(VIRTIO_MMIO_DEVICE_ID) == 0);
    for (const std::uint64_t offset :
         {std::uint64_t{VIRTIO_MMIO_STATUS}, std::uint64_t{VIRTIO_MMIO_QUEUE_NUM_MAX},
          std::uint64_t{VIRTIO_MMIO_CONFIG}, std::uint64_t{0xffc}}) {
        write(offset, 1);
        CHECK(read(offset) == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "accesses of any width to an empty slot read as zero and hurt nobody") {
    for (const std::size_t width : {1U, 2U, 8U}) {
        std::array<std::byte, 8> data;
        data.fill(std::byte{0xff});
        slot.read(VIRTIO_MMIO_MAGIC_VALUE, std::span(data).first(width));
        slot.write(VIRTIO_MMIO_STATUS, std::span(data).first(width));
        CHECK(data[0] == std::byte{0});
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "a device shows once it is attached, and is gone and destroyed once it is detached") {
    attach();
    CHECK(read(VIRTIO_MMIO_DEVICE_ID) == device_type);
    write(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    CHECK(read(VIRTIO_MMIO_STATUS) == VIRTIO_CONFIG_S_ACKNOWLEDGE);
    REQUIRE(slot.detach());
    CHECK(alive == 0);
    CHECK(read(VIRTIO_MMIO_DEVICE_ID) == 0);
    attach();
    CHECK(read(VIRTIO_MMIO_STATUS) == 0);
    CHECK(alive == 1);
}

TEST_CASE_FIXTURE(Fixture, "a device is not taken out while a vCPU is inside its registers") {
    auto* device = attach();
    Result<void> detached;
    device->on_config = [&] { std::thread([&] { detached = slot.detach(); }).join(); };
    read(VIRTIO_MMIO_CONFIG);
    REQUIRE_FALSE(detached);
    CHECK(detached.error().code == EBUSY);
    CHECK(alive == 1);
    CHECK(slot.detach());
}
