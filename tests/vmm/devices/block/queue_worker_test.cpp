#include "vmm/devices/block/queue_worker.h"

#include <doctest/doctest.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "tests/vmm/devices/block/temporary_image.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/device.h"
#include "vmm/devices/block/ring_pool.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;
using virtio::fake::UsedBuffer;

namespace {

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

/// What the test and the engine share: operations held back, and how they are to end.
struct Hand {
    std::mutex mutex;
    std::vector<std::pair<Operation, std::size_t>> held;
    std::vector<Engine::Completion> done;
    EventFd event = EventFd::create().value();

    std::size_t count() {
        const std::lock_guard lock(mutex);
        return held.size();
    }
    Operation operation(std::size_t index) {
        const std::lock_guard lock(mutex);
        return held.at(index).first;
    }
    void complete(std::size_t index, int result) {
        const std::lock_guard lock(mutex);
        done.push_back({held.at(index).second, result});
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
        event.signal();
    }
};

/// Completes nothing before it is told to.
class HeldEngine final : public Engine {
  public:
    explicit HeldEngine(Hand& hand) : hand_(hand) {}

    void start(const Operation& operation, std::size_t tag) override {
        const std::lock_guard lock(hand_.mutex);
        hand_.held.emplace_back(operation, tag);
    }
    void submit() override {}
    void collect(std::vector<Completion>& completions) override {
        const std::lock_guard lock(hand_.mutex);
        hand_.event.drain();
        completions.insert(completions.end(), hand_.done.begin(), hand_.done.end());
        hand_.done.clear();
    }
    int completion_fd() const override { return hand_.event.fd(); }

  private:
    Hand& hand_;
};

std::string header(std::uint32_t type, std::uint64_t sector = 0) {
    const virtio_blk_outhdr made{type, 0, sector};
    return {reinterpret_cast<const char*>(&made), sizeof made};
}

/// A device of one queue whose operations end when the test says so.
struct Fixture {
    Hand hand;
    TemporaryImage image;
    Log log{-1, LogLevel::error, 0};
    std::unique_ptr<Device> device;
    std::unique_ptr<FakeDriver> driver;

    Fixture() {
        Device::Options options;
        options.worker.make_engine = [this](const Disk&, Log&) -> Result<std::unique_ptr<Engine>> {
            return std::make_unique<HeldEngine>(hand);
        };
        device = Device::create(Disk::open(image.open(O_RDWR), false, "").value(), options, log).value();
        driver = std::make_unique<FakeDriver>(*device, std::uint64_t{1} << VIRTIO_BLK_F_FLUSH);
        REQUIRE(driver->activate());
    }

    void read(std::uint64_t sector, std::uint32_t bytes = 512) {
        driver->ring(0)
            .chain()
            .readable(header(VIRTIO_BLK_T_IN, sector))
            .writable(bytes)
            .writable(1)
            .publish();
    }
    void kick_and_wait(std::size_t held) {
        driver->kick(0);
        REQUIRE(eventually([&] { return hand.count() == held; }));
    }
    std::vector<UsedBuffer> used(std::size_t count) {
        std::vector<UsedBuffer> all;
        REQUIRE(eventually([&] {
            for (auto& buffer : driver->ring(0).collect_used())
                all.push_back(std::move(buffer));
            return all.size() >= count;
        }));
        return all;
    }
    static int status(const UsedBuffer& buffer) { return static_cast<unsigned char>(buffer.bytes.back()); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a reset waits for what is under way, and nothing comes after it") {
    read(0);
    read(1);
    kick_and_wait(2);
    auto reset = std::async(std::launch::async, [this] { device->deactivate(); });
    hand.complete(1, 512);
    CHECK(reset.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
    hand.complete(0, 512);
    REQUIRE(reset.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    const auto index = driver->ring(0).used_index();
    read(2);
    driver->kick(0);
    driver->reset();
    CHECK(hand.count() == 0);
    CHECK(index == 2);
    REQUIRE(driver->activate());
    read(3);
    kick_and_wait(1);
    CHECK(hand.operation(0).offset == 3 * 512);
    hand.complete(0, 512);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_OK);
}

TEST_CASE_FIXTURE(Fixture, "requests complete in any order") {
    read(0);
    read(1);
    kick_and_wait(2);
    hand.complete(1, -EIO);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_IOERR);
    hand.complete(0, 512);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_OK);
}

TEST_CASE_FIXTURE(Fixture, "what came out short goes on where it ended") {
    read(4, 1024);
    kick_and_wait(1);
    hand.complete(0, 300);
    REQUIRE(eventually([&] { return hand.count() == 1; }));
    CHECK(hand.operation(0).offset == 4 * 512 + 300);
    CHECK(hand.operation(0).length == 724);
    hand.complete(0, 724);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_OK);
}

TEST_CASE_FIXTURE(Fixture, "the end of an image that has become shorter is an error") {
    read(4, 1024);
    kick_and_wait(1);
    hand.complete(0, 0);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_IOERR);
}

TEST_CASE_FIXTURE(Fixture, "what a ring cannot do without waiting is done by waiting") {
    read(4, 1024);
    kick_and_wait(1);
    hand.complete(0, -EAGAIN);
    const auto buffer = used(1)[0];
    CHECK(status(buffer) == VIRTIO_BLK_S_OK);
    CHECK(buffer.bytes.substr(0, 1024) == std::string(1024, 'a'));
}

TEST_CASE_FIXTURE(Fixture, "a malformed chain stops the queue, not what is under way") {
    read(0);
    kick_and_wait(1);
    driver->ring(0).chain().raw(FakeGuest::in_hole, 16).writable(1).publish();
    driver->kick(0);
    REQUIRE(eventually([&] { return driver->interrupt().needs_reset == 1; }));
    hand.complete(0, 512);
    CHECK(status(used(1)[0]) == VIRTIO_BLK_S_OK);
    read(1);
    driver->kick(0);
    driver->reset();
    CHECK(hand.count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "as many requests as the queue holds are under way at once") {
    for (unsigned i = 0; i < QueueWorker::queue_size / 3; ++i)
        read(i);
    kick_and_wait(QueueWorker::queue_size / 3);
    while (hand.count() != 0)
        hand.complete(0, 512);
    CHECK(used(QueueWorker::queue_size / 3).size() == QueueWorker::queue_size / 3);
}

TEST_CASE_FIXTURE(Fixture, "a driver without flush has its writes go through to the disk") {
    const auto write = [this] {
        driver->ring(0)
            .chain()
            .readable(header(VIRTIO_BLK_T_OUT) + std::string(512, 'w'))
            .writable(1)
            .publish();
        kick_and_wait(1);
        const bool through = hand.operation(0).write_through;
        hand.complete(0, 512);
        used(1);
        return through;
    };
    CHECK_FALSE(write());
    driver = std::make_unique<FakeDriver>(*device, 0);
    REQUIRE(driver->activate());
    CHECK(write());
}

TEST_CASE("a thread that cannot be prepared is no worker") {
    const TemporaryImage image;
    Log log(-1, LogLevel::error, 0);
    const auto disk = Disk::open(image.open(O_RDWR), false, "").value();
    RingPool rings(0, 0);
    QueueWorker::Options options;
    options.make_engine = engines_on(rings);
    options.on_thread_start = []() -> Result<void> { return fail("no jail"); };
    const auto worker = QueueWorker::create(disk, options, log);
    REQUIRE_FALSE(worker);
    CHECK(worker.error().message == "no jail");
}
