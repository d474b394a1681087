#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/base/event_loop.h"
#include "vmm/devices/vsock/device.h"

/// Both ends of a vsock device, for tests: a guest driver that speaks packets, and host programs on unix
/// sockets. All on one thread, which runs the device's loop only in run().
namespace nacre::vsock::test {

constexpr std::uint64_t guest_cid = 3;
constexpr std::uint32_t service_port = 1024;  // of the guest
constexpr std::uint32_t channel_port = 1024;  // of the host

/// What Linux gives for each packet to it.
constexpr std::uint32_t rx_buffer_bytes = 4096 + 44;

struct Packet {
    PacketHeader header;
    std::string payload;
};

/// A connected pair of stream sockets: the device's and the host program's, which does not block.
struct SocketPair {
    FileDescriptor device;
    FileDescriptor host;
};
SocketPair socket_pair();

/// A listening unix stream socket with an address that the kernel chose.
FileDescriptor listening_socket();

/// A host program connected to `listener`, which does not block.
FileDescriptor connect_to(const FileDescriptor& listener);

void write_text(const FileDescriptor& socket, std::string_view text);

/// All that can be read now; end_of_file() tells whether that is all there will be.
std::string read_text(const FileDescriptor& socket);
bool end_of_file(const FileDescriptor& socket);

class Fixture {
  public:
    explicit Fixture(std::uint64_t features = 0);
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    /// Before start(): what the device is made of.
    Device::Options options;

    /// Makes the device; DRIVER_OK with `rx_buffers` buffers for packets, unless `ready` is false.
    void start(std::size_t rx_buffers = 32, bool ready = true);
    void driver_ok(std::size_t rx_buffers = 32);

    Device& device() { return *device_; }
    virtio::fake::FakeDriver& driver() { return *driver_; }
    virtio::fake::FakeRing& rx() { return driver_->ring(0); }
    virtio::fake::FakeRing& tx() { return driver_->ring(1); }
    EventLoop& loop() { return *loop_; }

    /// Handles all events that are there, until there are none.
    void run();

    /// Waits for events, a timer's among them, until `done`; a failure if that takes many.
    void wait_until(const std::function<bool()>& done);

    void give_buffers(std::size_t count, std::uint32_t bytes = rx_buffer_bytes);

    /// Puts a packet into the transmit queue and kicks; `run()` handles it.
    void post(const PacketHeader& header, std::string_view payload = {});

    /// post() and run(); the transmit buffers have come back.
    void send(const PacketHeader& header, std::string_view payload = {});

    /// The packets that the guest has received, their buffers given again.
    std::vector<Packet> received();

    /// The only packet received; a failure if there is another number of them.
    Packet received_one();

    /// A host program that asked for service_port.
    FileDescriptor connect(std::uint32_t port = service_port);

    /// The same, accepted by the guest; its "OK" line has been read. `packet()` then addresses it.
    FileDescriptor establish(std::uint32_t buffer_bytes = 256 * 1024);

    /// A packet from the guest on the connection established last.
    PacketHeader packet(Op op, std::uint32_t length = 0) const;
    PacketHeader data(std::string_view payload) const {
        return packet(Op::rw, static_cast<std::uint32_t>(payload.size()));
    }
    PacketHeader shutdown(std::uint32_t flags) const;

    /// The guest's buf_alloc and fwd_cnt in packet().
    std::uint32_t buffer_bytes = 256 * 1024;
    std::uint32_t forwarded_bytes = 0;
    std::uint32_t host_port = 0;
    std::uint32_t guest_port = service_port;

  private:
    std::unique_ptr<EventLoop> loop_;
    std::uint64_t features_;
    FileDescriptor address_;  // a duplicate of the listener, to find its address
    std::unique_ptr<Device> device_;
    std::unique_ptr<virtio::fake::FakeDriver> driver_;
};

}  // namespace nacre::vsock::test
