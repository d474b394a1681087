#include "vmm/devices/fs/device.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/vmm/devices/virtio/fake_driver.h"
#include "tests/vmm/fuse/fake_client.h"

using namespace nacre;
using namespace nacre::fuse::fake;
using virtio::fake::FakeDriver;
using virtio::fake::FakeGuest;

namespace {

constexpr std::size_t hiprio = 0;
constexpr std::size_t requests = 1;

FileDescriptor open_directory(const std::string& path) {
    return FileDescriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Waits for what the device's threads do. Far longer than they need, so that only a hang fails.
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

std::string request(std::uint32_t opcode, fuse::NodeId node, const std::string& arguments,
                    std::uint64_t unique = 1) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + arguments.size());
    header.opcode = opcode;
    header.unique = unique;
    header.nodeid = node;
    return bytes_of(header) + arguments;
}

std::string init_request() {
    fuse_init_in in{};
    in.major = 7;
    in.minor = 41;
    return request(FUSE_INIT, 0, bytes_of(in));
}

/// A device for a temporary share, and its driver.
struct Setup {
    explicit Setup(fs::Options options = {})
        : log(-1, LogLevel::error, 0),
          device(fs::Device::create(open_directory(share.inside()), fuse::fake::own_descriptors(),
                                    std::move(options), log)
                     .value()),
          driver(*device) {}

    /// Publishes a request and waits for its answer.
    std::string ask(const std::string& bytes, std::size_t queue = requests, std::uint32_t space = 4096) {
        driver.ring(queue).chain().readable(bytes).writable(space).publish();
        driver.kick(queue);
        return answer(queue);
    }

    std::string answer(std::size_t queue = requests) {
        std::vector<virtio::fake::UsedBuffer> used;
        if (!eventually([&] { return !(used = driver.ring(queue).collect_used()).empty(); }))
            throw std::runtime_error("no answer");
        return used.front().bytes;
    }

    void start() {
        REQUIRE(driver.activate());
        REQUIRE(ask(init_request()).size() == sizeof(fuse_out_header) + sizeof(fuse_init_out));
    }

    TemporaryShare share;
    Log log;
    std::unique_ptr<fs::Device> device;
    FakeDriver driver;
};

int error_of(const std::string& reply) {
    fuse_out_header header{};
    std::memcpy(&header, reply.data(), std::min(reply.size(), sizeof header));
    return -header.error;
}

}  // namespace

TEST_CASE("options that make no device are refused") {
    const TemporaryShare share;
    Log log(-1, LogLevel::error, 0);
    const auto create = [&](const fs::Options& options) {
        return fs::Device::create(open_directory(share.inside()), fuse::fake::own_descriptors(), options,
                                  log);
    };
    fs::Options options;
    options.tag = "";
    CHECK_FALSE(create(options));
    options.tag = std::string(37, 't');
    CHECK_FALSE(create(options));
    options.tag = "t";
    options.request_queues = 0;
    CHECK_FALSE(create(options));
    options.request_queues = 1;
    options.threads.max_threads = 0;
    CHECK_FALSE(create(options));
}

TEST_CASE("a share that is no directory is refused") {
    const TemporaryShare share;
    share.write("file", "");
    Log log(-1, LogLevel::error, 0);
    FileDescriptor file(open(share.inside("file").c_str(), O_RDONLY | O_CLOEXEC));
    CHECK_FALSE(fs::Device::create(std::move(file), fuse::fake::own_descriptors(), {}, log));
    CHECK_FALSE(fs::Device::create(FileDescriptor(), fuse::fake::own_descriptors(), {}, log));
}

TEST_CASE("a thread that the jail cannot take in means no device") {
    const TemporaryShare share;
    Log log(-1, LogLevel::error, 0);
    fs::Options options;
    options.threads.on_thread_start = [] { return Result<void>(fail("no jail")); };
    const auto device =
        fs::Device::create(open_directory(share.inside()), fuse::fake::own_descriptors(), options, log);
    REQUIRE_FALSE(device);
    CHECK(device.error().message == "no jail");
}

TEST_CASE("the configuration space holds the tag and the number of request queues") {
    fs::Options options;
    options.tag = "share";
    options.request_queues = 3;
    Setup setup(options);
    CHECK(setup.device->type() == VIRTIO_ID_FS);
    CHECK(setup.device->queue_sizes().size() == 4);
    std::array<std::byte, 44> config;
    config.fill(std::byte{0xee});
    setup.device->read_config(0, config);
    CHECK(std::string(reinterpret_cast<const char*>(config.data())) == "share");
    CHECK(config[35] == std::byte{0});
    CHECK(config[36] == std::byte{3});
    CHECK(config[40] == std::byte{0});
    std::array<std::byte, 4> past_end{std::byte{1}};
    setup.device->read_config(~std::uint64_t{0}, past_end);
    CHECK(past_end[0] == std::byte{0});
}

TEST_CASE("a chain that is malformed makes the device ask for a reset, and nothing else") {
    Setup setup;
    setup.start();
    setup.driver.ring(requests).chain().raw(FakeGuest::in_hole, 40).publish();
    setup.driver.kick(requests);
    CHECK(eventually([&] { return setup.driver.interrupt().needs_reset == 1; }));
    setup.driver.reset();
    setup.start();
}

TEST_CASE("a request with no room for an answer is given back empty") {
    Setup setup;
    setup.start();
    setup.driver.ring(requests).chain().readable(request(FUSE_STATFS, 1, "")).publish();
    setup.driver.kick(requests);
    CHECK(setup.answer().empty());
    setup.driver.ring(requests).chain().writable(4096).publish();
    setup.driver.kick(requests);
    CHECK(error_of(setup.answer()) == EINVAL);
}

TEST_CASE("a request before INIT is refused") {
    Setup setup;
    REQUIRE(setup.driver.activate());
    CHECK(error_of(setup.ask(request(FUSE_STATFS, 1, ""))) == EIO);
}

TEST_CASE("requests are answered, with an interrupt") {
    Setup setup;
    setup.share.write("file", "12345");
    setup.start();
    const auto before = setup.driver.interrupt().used_buffer.load();
    const auto reply = setup.ask(request(FUSE_LOOKUP, 1, name_bytes("file"), 99));
    CHECK(error_of(reply) == 0);
    CHECK(reply.size() == sizeof(fuse_out_header) + sizeof(fuse_entry_out));
    CHECK(eventually([&] { return setup.driver.interrupt().used_buffer > before; }));
}

TEST_CASE("FORGET on the queue of high priority is given back without an answer") {
    Setup setup;
    setup.share.write("file", "");
    setup.start();
    const auto reply = setup.ask(request(FUSE_LOOKUP, 1, name_bytes("file")));
    fuse_entry_out entry{};
    std::memcpy(&entry, reply.data() + sizeof(fuse_out_header), sizeof entry);
    const auto forget = request(FUSE_FORGET, entry.nodeid, bytes_of(fuse_forget_in{1}));
    setup.driver.ring(hiprio).chain().readable(forget).publish();
    setup.driver.kick(hiprio);
    CHECK(setup.answer(hiprio).empty());
    CHECK(error_of(setup.ask(request(FUSE_GETATTR, entry.nodeid, bytes_of(fuse_getattr_in{})))) == ESTALE);
}

TEST_CASE("many requests at once, on all queues, are all answered once") {
    fs::Options options;
    options.request_queues = 3;
    options.threads.max_threads = 4;
    Setup setup(options);
    setup.start();
    constexpr int rounds = 50;
    constexpr int batch = 16;
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t queue = 1; queue <= 3; ++queue) {
            for (int index = 0; index < batch; ++index)
                setup.driver.ring(queue)
                    .chain()
                    .readable(request(FUSE_STATFS, 1, ""))
                    .writable(256)
                    .publish();
            setup.driver.kick(queue);
        }
        for (std::size_t queue = 1; queue <= 3; ++queue) {
            std::size_t answered = 0;
            CHECK(eventually([&] {
                for (const auto& used : setup.driver.ring(queue).collect_used()) {
                    CHECK(error_of(used.bytes) == 0);
                    ++answered;
                }
                return answered == batch;
            }));
        }
    }
}

TEST_CASE("a reset while requests are under way leaves nothing behind; the guest starts anew") {
    Setup setup;
    setup.share.write("file", "");
    for (int round = 0; round < 20; ++round) {
        setup.start();
        for (int index = 0; index < 30; ++index)
            setup.driver.ring(requests).chain().readable(request(FUSE_STATFS, 1, "")).writable(256).publish();
        setup.driver.kick(requests);
        setup.driver.reset();
    }
    REQUIRE(setup.driver.activate());
    CHECK(error_of(setup.ask(request(FUSE_STATFS, 1, ""))) == EIO);  // INIT has been forgotten
}

TEST_CASE("a queue that the driver left out is not missed") {
    Setup setup;
    setup.driver.disable_queue(hiprio);
    setup.start();
    CHECK(error_of(setup.ask(request(FUSE_STATFS, 1, ""))) == 0);
}
