#pragma once

#include <memory>
#include <span>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/devices/vsock/connection.h"
#include "vmm/devices/vsock/ring_buffer.h"
#include "vmm/devices/vsock/rx_buffers.h"

namespace nacre::vsock {

/// One connection at work: the protocol, the host's connected stream socket, and what the host has not read
/// yet. Belongs to the thread of its loop.
///
/// Host → guest: the socket is read only when the guest has credit and buffers, so what waits, waits in the
/// socket. Guest → host: payload goes straight to the socket; what does not fit waits in a ring that the
/// guest's credit cannot overfill.
class Stream {
  public:
    /// Watches `socket` in `loop`; `on_events` must call handle_events() and may destroy the stream.
    static Result<std::unique_ptr<Stream>> create(EventLoop& loop, const Connection& connection,
                                                  FileDescriptor socket, EventLoop::Handler on_events);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    const Connection& connection() const { return connection_; }

    void handle_events(std::uint32_t events);

    /// Takes a packet for this connection. `payload` holds its payload, `packet.length` bytes.
    void receive(const PacketHeader& packet, std::span<const iovec> payload);

    /// Whether there is something to send to the guest: a packet, or perhaps what the host wrote.
    bool wants_to_send() const;

    /// Sends one control packet or up to `limit` bytes of payload; `buffers` are available.
    Result<void> send(RxBuffers& buffers, std::size_t limit, Clock::time_point now, const Timeouts& timeouts);

    /// Gives up a guest that has not answered in time.
    void expire(Clock::time_point now);

    /// Whether nothing is left to do for either side.
    bool finished() const { return connection_.closed() && !connection_.has_control() && !socket_; }

  private:
    Stream(EventLoop& loop, const Connection& connection, FileDescriptor socket);

    void opened();
    void deliver(std::span<const iovec> payload);
    void flush();
    std::size_t write(std::span<const iovec> data);
    void read_failed(int error);
    void host_gone();
    void abort();
    void advance();
    void tell_host();
    void watch_writable(bool wanted);
    void close_socket();

    EventLoop& loop_;
    Connection connection_;
    FileDescriptor socket_;
    RingBuffer unread_{receive_buffer_bytes};
    bool readable_ = false;  // the socket may have data or an end of file; edge-triggered, so remembered
    bool watching_writable_ = false;
    std::uint32_t host_told_ = 0;  // SHUTDOWN flags of the guest that were passed on to the socket
};

}  // namespace nacre::vsock
