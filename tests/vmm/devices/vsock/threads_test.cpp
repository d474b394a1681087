#include <doctest/doctest.h>
#include <poll.h>

#include <thread>

#include "tests/vmm/devices/vsock/guest_side.h"

// The device's loop runs on a thread of its own here, and the transport's calls come from another.

using namespace nacre::vsock;
using nacre::FileDescriptor;

namespace {

bool readable(const FileDescriptor& socket) {
    pollfd waiting{socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 60'000) == 1;
}

}  // namespace

TEST_CASE("activation, traffic and reset from another thread than the loop's") {
    auto loop = std::move(*nacre::EventLoop::create());
    auto sockets = test::socket_pair();
    Device::Options options;
    options.host_ports.push_back({test::channel_port, std::move(sockets.device)});
    auto device = std::move(*Device::create(*loop, std::move(options)));
    nacre::Result<void> ran;
    std::thread thread([&] { ran = loop->run(); });
    {
        nacre::virtio::fake::FakeDriver driver(*device);
        REQUIRE(driver.activate());
        driver.ring(0).chain().writable(test::rx_buffer_bytes).publish();
        driver.kick(0);

        PacketHeader request;
        request.source_cid = test::guest_cid;
        request.destination_cid = host_cid;
        request.source_port = 7;
        request.destination_port = test::channel_port;
        request.op = Op::request;
        request.buffer_bytes = 65536;
        const auto send = [&](const PacketHeader& header, std::string_view payload) {
            const auto raw = encode(header);
            auto chain = driver.ring(1).chain();
            chain.readable({reinterpret_cast<const char*>(raw.data()), raw.size()});
            if (!payload.empty())
                chain.readable(payload);
            chain.publish();
            driver.kick(1);
        };
        send(request, {});
        while (driver.ring(0).used_index() == 0)
            std::this_thread::yield();
        auto data = request;
        data.op = Op::rw;
        data.length = 5;
        send(data, "hello");
        REQUIRE(readable(sockets.host));
        CHECK(test::read_text(sockets.host) == "hello");

        driver.reset();
        REQUIRE(readable(sockets.host));
        CHECK(test::end_of_file(sockets.host));
        for (int i = 0; i < 100; ++i) {
            REQUIRE(driver.activate());
            driver.kick(1);
            driver.reset();
        }
    }
    loop->stop();
    thread.join();
    CHECK(ran);
}
