#include "vmm/devices/block/device.h"

#include <doctest/doctest.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "tests/vmm/devices/block/temporary_image.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/ring_pool.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;
using virtio::fake::UsedBuffer;

namespace {

constexpr unsigned indirect_descriptors = 28;  // linux/virtio_ring.h, which is no C++
constexpr std::uint64_t image_bytes = 64 * 1024;

/// Far longer than anything needs, so that only a hang fails.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::yield();
    }
    return true;
}

template <class T>
std::string bytes_of(const T& object) {
    return {reinterpret_cast<const char*>(&object), sizeof object};
}

std::string header(std::uint32_t type, std::uint64_t sector = 0) {
    return bytes_of(virtio_blk_outhdr{type, 0, sector});
}

Result<std::unique_ptr<Engine>> make_blocking_engine(const Disk& disk, Log&) {
    return std::make_unique<BlockingEngine>(disk);
}

/// A device for a temporary image, and its driver. With io_uring where the host has it, if not told
/// otherwise.
struct Setup {
    explicit Setup(bool read_only = false, unsigned queues = 1, MakeEngine engine = {})
        : rings(queues, QueueWorker::queue_size),
          device(create(read_only, queues, engine ? std::move(engine) : engines_on(rings))),
          driver(*device, 1U << VIRTIO_BLK_F_FLUSH | 1U << indirect_descriptors) {
        REQUIRE(driver.activate());
    }

    std::unique_ptr<Device> create(bool read_only, unsigned queues, MakeEngine engine) {
        Device::Options options;
        options.queues = queues;
        options.worker.make_engine = std::move(engine);
        return Device::create(
                   Disk::open(image.open(read_only ? O_RDONLY : O_RDWR), read_only, "disk-1").value(),
                   options, log)
            .value();
    }

    UsedBuffer answer(std::size_t queue = 0) {
        driver.kick(queue);
        std::vector<UsedBuffer> used;
        REQUIRE(eventually([&] { return !(used = driver.ring(queue).collect_used()).empty(); }));
        return used.front();
    }

    int read(std::uint64_t sector, std::string& bytes, std::size_t queue = 0) {
        driver.ring(queue)
            .chain()
            .readable(header(VIRTIO_BLK_T_IN, sector))
            .writable(static_cast<std::uint32_t>(bytes.size()))
            .writable(1)
            .publish();
        const auto used = answer(queue);
        bytes = used.bytes.substr(0, bytes.size());
        return used.bytes.back();
    }

    int write(std::uint64_t sector, const std::string& bytes) {
        driver.ring(0)
            .chain()
            .readable(header(VIRTIO_BLK_T_OUT, sector))
            .readable(bytes)
            .writable(1)
            .publish();
        return answer().bytes.back();
    }

    int ask(const std::string& request) {
        driver.ring(0).chain().readable(request).writable(1).publish();
        return answer().bytes.back();
    }

    virtio_blk_config config() const {
        virtio_blk_config config{};
        device->read_config(0, std::as_writable_bytes(std::span(&config, 1)));
        return config;
    }

    TemporaryImage image{image_bytes};
    RingPool rings;
    Log log{-1, LogLevel::error, 0};
    std::unique_ptr<Device> device;
    FakeDriver driver;
};

bool offers(const Device& device, int feature) {
    return (device.features() >> feature & 1) != 0;
}

}  // namespace

TEST_CASE("a chain without room for a status is given back empty") {
    Setup setup;
    setup.driver.ring(0).chain().readable(header(VIRTIO_BLK_T_FLUSH)).publish();
    CHECK(setup.answer().written == 0);
    CHECK(setup.driver.interrupt().needs_reset == 0);
}

TEST_CASE("a chain without a header is an error") {
    Setup setup;
    setup.driver.ring(0).chain().writable(513).publish();
    CHECK(setup.answer().bytes.back() == VIRTIO_BLK_S_IOERR);
}

TEST_CASE("a malformed chain asks for a reset; after it the device works") {
    Setup setup;
    setup.driver.ring(0).chain().raw(FakeGuest::low_end - 8, 16).writable(1).publish();
    setup.driver.kick(0);
    REQUIRE(eventually([&] { return setup.driver.interrupt().needs_reset == 1; }));
    setup.driver.reset();
    REQUIRE(setup.driver.activate());
    CHECK(setup.ask(header(VIRTIO_BLK_T_FLUSH)) == VIRTIO_BLK_S_OK);
}

TEST_CASE("a header in pieces and a status beside the data are as good") {
    Setup setup;
    const auto request = header(VIRTIO_BLK_T_IN, 1);
    setup.driver.ring(0)
        .chain()
        .readable(request.substr(0, 3))
        .readable(request.substr(3))
        .writable(100)
        .writable(413)
        .indirect()
        .publish();
    const auto used = setup.answer();
    CHECK(used.written == 513);
    CHECK(used.bytes == std::string(512, 'a') + '\0');
}

TEST_CASE("a device has 1 to 16 queues") {
    const TemporaryImage image;
    Log log(-1, LogLevel::error, 0);
    for (const unsigned queues : {0U, Device::max_queues + 1}) {
        Device::Options options;
        options.queues = queues;
        CHECK_FALSE(Device::create(Disk::open(image.open(O_RDWR), false, "").value(), options, log));
    }
}

TEST_CASE("nothing reaches a read-only disk") {
    Setup setup(true);
    CHECK(setup.write(0, std::string(512, 'w')) == VIRTIO_BLK_S_IOERR);
    CHECK(setup.ask(header(VIRTIO_BLK_T_DISCARD) + bytes_of(virtio_blk_discard_write_zeroes{0, 8, 0})) ==
          VIRTIO_BLK_S_IOERR);
    CHECK(setup.ask(header(VIRTIO_BLK_T_FLUSH)) == VIRTIO_BLK_S_OK);
    CHECK(setup.image.read(0, image_bytes) == std::string(image_bytes, 'a'));
    CHECK(offers(*setup.device, VIRTIO_BLK_F_RO));
    CHECK_FALSE(offers(*setup.device, VIRTIO_BLK_F_DISCARD));
    CHECK_FALSE(offers(*setup.device, VIRTIO_BLK_F_WRITE_ZEROES));
    CHECK(setup.config().max_discard_sectors == 0);
}

TEST_CASE("an image that is cut off while it is used gives errors for what is missing") {
    Setup setup;
    setup.image.truncate(4096);
    std::string bytes(8192, '-');
    CHECK(setup.read(0, bytes) == VIRTIO_BLK_S_IOERR);
    bytes.resize(4096);
    CHECK(setup.read(0, bytes) == VIRTIO_BLK_S_OK);
}

TEST_CASE("what is written is read, with either engine") {
    for (const bool blocking : {false, true}) {
        Setup setup(false, 1, blocking ? make_blocking_engine : MakeEngine());
        CHECK(setup.write(8, std::string(4096, 'w')) == VIRTIO_BLK_S_OK);
        CHECK(setup.ask(header(VIRTIO_BLK_T_FLUSH)) == VIRTIO_BLK_S_OK);
        std::string bytes(3 * 4096, '-');
        CHECK(setup.read(0, bytes) == VIRTIO_BLK_S_OK);
        CHECK(bytes == std::string(4096, 'a') + std::string(4096, 'w') + std::string(4096, 'a'));
        CHECK(setup.image.read(0, 3 * 4096) == bytes);
        CHECK(setup.driver.interrupt().used_buffer >= 3);
    }
}

TEST_CASE("a discard gives the image's space back, with either engine") {
    for (const bool blocking : {false, true}) {
        Setup setup(false, 1, blocking ? make_blocking_engine : MakeEngine());
        const auto before = setup.image.allocated_bytes();
        CHECK(setup.ask(header(VIRTIO_BLK_T_DISCARD) + bytes_of(virtio_blk_discard_write_zeroes{0, 64, 0})) ==
              VIRTIO_BLK_S_OK);
        CHECK(setup.image.allocated_bytes() == before - 64 * 512);
        std::string bytes(512, '-');
        CHECK(setup.read(63, bytes) == VIRTIO_BLK_S_OK);
        CHECK(bytes == std::string(512, '\0'));
    }
}

TEST_CASE("zeroes with unmap give space back, too") {
    Setup setup;
    const auto before = setup.image.allocated_bytes();
    CHECK(setup.ask(header(VIRTIO_BLK_T_WRITE_ZEROES) +
                    bytes_of(virtio_blk_discard_write_zeroes{64, 32, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP})) ==
          VIRTIO_BLK_S_OK);
    CHECK(setup.image.allocated_bytes() == before - 32 * 512);
    CHECK(setup.image.read(64 * 512 - 1, 2) == std::string("a\0", 2));
}

TEST_CASE("the device tells its id") {
    Setup setup;
    setup.driver.ring(0).chain().readable(header(VIRTIO_BLK_T_GET_ID)).writable(20).writable(1).publish();
    CHECK(setup.answer().bytes == "disk-1" + std::string(14, '\0') + '\0');
}

TEST_CASE("each queue is served") {
    Setup setup(false, 3);
    CHECK(offers(*setup.device, VIRTIO_BLK_F_MQ));
    CHECK(setup.config().num_queues == 3);
    for (std::size_t queue = 0; queue < 3; ++queue) {
        std::string bytes(512, '-');
        CHECK(setup.read(queue, bytes, queue) == VIRTIO_BLK_S_OK);
        CHECK(bytes == std::string(512, 'a'));
    }
}

TEST_CASE("the device says what it is") {
    const Setup setup;
    CHECK(setup.device->type() == 2);
    CHECK(setup.device->queue_sizes() == std::vector<std::uint16_t>{128});
    for (const int feature :
         {VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_TOPOLOGY, VIRTIO_BLK_F_SEG_MAX,
          VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_F_WRITE_ZEROES})
        CHECK(offers(*setup.device, feature));
    CHECK_FALSE(offers(*setup.device, VIRTIO_BLK_F_RO));
    CHECK_FALSE(offers(*setup.device, VIRTIO_BLK_F_MQ));
    const auto config = setup.config();
    CHECK(config.capacity == image_bytes / 512);
    CHECK(config.blk_size == 512);
    CHECK(config.physical_block_exp == 3);
    CHECK(config.seg_max == 126);
    CHECK(config.max_discard_seg == 1);
    CHECK(config.discard_sector_alignment == 8);
    CHECK(config.write_zeroes_may_unmap == 1);
}

TEST_CASE("reading the configuration past its end gives zeroes") {
    const Setup setup;
    std::array<std::byte, 8> bytes;
    for (const std::uint64_t offset : {sizeof(virtio_blk_config), std::size_t{4096}, ~std::size_t{0}}) {
        bytes.fill(std::byte{0xee});
        setup.device->read_config(offset, bytes);
        CHECK(std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; }));
    }
}

TEST_CASE("a guest that asks for anything breaks nothing but its own requests") {
    Setup setup;
    std::mt19937 random(20261123);
    const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
    for (unsigned round = 0; round < 300; ++round) {
        auto chain = setup.driver.ring(0).chain();
        auto request = header(below(15), below(4) == 0 ? random() : below(140));
        for (unsigned i = below(40); i > 0; --i)
            request[below(16)] = below(8) == 0 ? static_cast<char>(random()) : request[0];
        chain.readable(request.substr(0, 1 + below(16)));
        if (below(2) == 0)
            chain.readable(std::string(1 + below(2048), 'r'));
        if (below(4) == 0)
            chain.raw(below(2) == 0 ? FakeGuest::in_hole : 0x100000, below(3) == 0 ? 0 : 1 + below(4096),
                      static_cast<std::uint16_t>(below(2) * virtio::fake::flag_write));
        if (below(8) != 0)
            chain.writable(1 + below(4096));
        chain.publish();
        setup.driver.kick(0);
        REQUIRE(eventually([&] {
            return !setup.driver.ring(0).collect_used().empty() ||
                   setup.driver.interrupt().needs_reset.exchange(0) != 0;
        }));
        if (below(4) == 0) {
            setup.driver.reset();
            REQUIRE(setup.driver.activate());
        }
        if (setup.driver.ring(0).in_flight() != 0) {
            setup.driver.reset();
            REQUIRE(setup.driver.activate());
        }
    }
    CHECK(setup.ask(header(VIRTIO_BLK_T_FLUSH)) == VIRTIO_BLK_S_OK);
}
