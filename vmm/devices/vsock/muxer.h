#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "vmm/devices/vsock/packet.h"
#include "vmm/devices/vsock/stream.h"
#include "vmm/devices/vsock/timer.h"

namespace nacre::vsock {

/// All connections of one guest, and whose turn it is to send to it. Belongs to the thread of its loop.
///
/// Each connection has a host port of its own, so the port finds it. The number of connections is bounded,
/// and so is what waits for the guest beside them: RST packets for connections that do not exist, of which
/// the oldest `max_resets` are kept and further ones dropped until the guest takes some.
class Muxer {
  public:
    static constexpr std::size_t max_resets = 256;

    struct Options {
        std::uint64_t guest_cid = 3;
        std::size_t max_connections = 512;
        Timeouts timeouts;

        /// Called when something outside receive() and send() may have made packets for the guest.
        std::function<void()> on_work;

        /// Called when the guest has connected to host port `port`, before its first data.
        std::function<void(std::uint32_t port)> on_guest_connect;
    };

    static Result<std::unique_ptr<Muxer>> create(EventLoop& loop, Options options);
    Muxer(const Muxer&) = delete;
    Muxer& operator=(const Muxer&) = delete;

    /// Lets the guest connect to `host_port` once; `socket` is then the host's end.
    void offer(std::uint32_t host_port, FileDescriptor socket);

    /// Connects `socket` to a port of the guest, as soon as it takes packets. Closes it when there is no
    /// room.
    void connect(FileDescriptor socket, std::uint32_t guest_port);

    /// How many more connections there may be.
    std::size_t room() const { return options_.max_connections - streams_.size(); }
    std::size_t connections() const { return streams_.size(); }

    /// Takes a packet from the guest. `payload` holds `packet.length` bytes.
    void receive(const PacketHeader& packet, std::span<const iovec> payload);

    /// Sends what waits for the guest, each connection in turn, until nothing waits, `buffers` run out, or
    /// it is time to let others use the thread: true in this last case.
    Result<bool> send(RxBuffers& buffers);

    /// The guest has forgotten all it knew: closes every connection that it has heard of.
    void guest_reset();

  private:
    struct Entry {
        std::unique_ptr<Stream> stream;
        bool queued = false;  // in ready_
    };

    Muxer(EventLoop& loop, Options options);

    Result<void> add(const Connection& connection, FileDescriptor socket);
    void accept(const PacketHeader& request);
    void refuse(const PacketHeader& packet);
    Result<void> send_one(RxBuffers& buffers);
    void socket_ready(std::uint32_t host_port, std::uint32_t events);
    void settle(std::uint32_t host_port);
    void expire();
    std::uint32_t free_host_port();

    EventLoop& loop_;
    Options options_;
    std::unique_ptr<Timer> timer_;
    std::unordered_map<std::uint32_t, FileDescriptor> offers_;  // by host port
    std::unordered_map<std::uint32_t, Entry> streams_;          // by host port
    std::deque<std::uint32_t> ready_;                           // host ports of those that want to send
    std::deque<PacketHeader> resets_;
    std::uint32_t next_host_port_;
};

}  // namespace nacre::vsock
