#include "vmm/devices/block/queue_worker.h"

#include <doctest/doctest.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <ctime>
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

    Fixture() : Fixture(RateLimit{}) {}
    explicit Fixture(const RateLimit& limit) {
        Device::Options options;
        options.limit = limit;
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

namespace {

using Clock = std::chrono::steady_clock;

std::chrono::nanoseconds cpu_time() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Completes everything at once, so that what is slow is the limit.
struct Throttled : Fixture {
    explicit Throttled(const RateLimit& limit) : Fixture(limit) {}

    /// How long `count` reads take that are all in the queue from the start.
    Clock::duration read_all(unsigned count, std::uint32_t bytes) {
        const auto begin = Clock::now();
        for (unsigned i = 0; i < count; ++i)
            read(i * bytes / 512, bytes);
        driver->kick(0);
        for (unsigned done = 0; done < count; ++done) {
            REQUIRE(eventually([&] { return hand.count() != 0; }));
            hand.complete(0, static_cast<int>(bytes));
        }
        CHECK(used(count).size() == count);
        return Clock::now() - begin;
    }
};

}  // namespace

TEST_CASE("a disk's bytes are held to their rate, after the burst") {
    Throttled disk(RateLimit{40'960, 4'096, 0, 0});
    // The first fills the burst; 5 more are 0.5 s.
    CHECK(disk.read_all(6, 4'096) >= std::chrono::milliseconds(390));
}

TEST_CASE("a disk's operations are held to their rate, after the burst") {
    Throttled disk(RateLimit{0, 0, 20, 10});
    CHECK(disk.read_all(20, 512) >= std::chrono::milliseconds(490));
}

TEST_CASE("who is held back does not spin") {
    Throttled disk(RateLimit{0, 0, 10, 1});
    const auto before = cpu_time();
    disk.read(0);
    disk.read(1);
    disk.driver->kick(0);
    REQUIRE(eventually([&] { return disk.hand.count() == 1; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(disk.hand.count() == 1);
    CHECK(cpu_time() - before < std::chrono::milliseconds(45));
    REQUIRE(eventually([&] { return disk.hand.count() == 2; }));
    disk.hand.complete(0, 512);
    disk.hand.complete(0, 512);
}

TEST_CASE("a disk that is held back stops at once, and a reset does not renew its burst") {
    Throttled disk(RateLimit{0, 0, 1, 1});
    disk.read(0);
    disk.read(1);
    disk.driver->kick(0);
    REQUIRE(eventually([&] { return disk.hand.count() == 1; }));
    disk.hand.complete(0, 512);
    CHECK(disk.used(1).size() == 1);
    const auto begin = Clock::now();
    disk.driver->reset();
    CHECK(Clock::now() - begin < std::chrono::milliseconds(500));
    REQUIRE(disk.driver->activate());
    disk.read(2);
    disk.driver->kick(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(disk.hand.count() == 0);
    REQUIRE(eventually([&] { return disk.hand.count() == 1; }));
    CHECK(disk.hand.operation(0).offset == 2 * 512);
    disk.hand.complete(0, 512);
}
