#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/devices/vsock/timer.h"

namespace nacre::vsock {

/// The port in a line "CONNECT <port>\n" (decimal, below VMADDR_PORT_ANY), or nothing if it is another line.
std::optional<std::uint32_t> parse_connect_line(std::string_view line);

/// Accepts host programs on a unix socket and reads, from each, the line that says which port of the guest it
/// wants. Belongs to the thread of its loop.
///
/// What follows the line stays in the socket. Bounded: clients that have not said their line, the length
/// of the line and the time for it; those that cannot be taken wait in the socket's own backlog.
class HostListener {
  public:
    struct Options {
        std::size_t max_waiting = 64;  // clients whose line is not complete
        Timer::TimePoint::duration line_timeout = std::chrono::seconds(10);
        Timer::TimePoint::duration retry = std::chrono::milliseconds(100);  // after e.g. EMFILE

        /// Called with each client that has asked for a port; may call set_room().
        std::function<void(FileDescriptor socket, std::uint32_t port)> on_connect;
    };

    /// Takes over `listener`, a listening AF_UNIX stream socket.
    static Result<std::unique_ptr<HostListener>> create(EventLoop& loop, FileDescriptor listener,
                                                        Options options);
    HostListener(const HostListener&) = delete;
    HostListener& operator=(const HostListener&) = delete;
    ~HostListener();

    /// How many clients may be taken, those that are at their line included. At first none.
    void set_room(std::size_t room);

    /// Clients that are at their line.
    std::size_t waiting() const { return clients_.size(); }

  private:
    struct Client {
        FileDescriptor socket;
        Timer::TimePoint deadline;
    };

    HostListener(EventLoop& loop, FileDescriptor listener, Options options);

    void accept_clients();
    Result<void> add_client(FileDescriptor socket);
    void read_line(int fd, std::uint32_t events);
    FileDescriptor release(int fd);
    void timer_fired();
    bool full() const;
    void watch_listener();

    EventLoop& loop_;
    FileDescriptor listener_;
    Options options_;
    std::unique_ptr<Timer> timer_;
    std::unordered_map<int, Client> clients_;  // by fd
    std::size_t room_ = 0;
    bool paused_ = false;  // accept(2) lacked resources; tried again when the timer fires
    bool watching_ = false;
};

}  // namespace nacre::vsock
