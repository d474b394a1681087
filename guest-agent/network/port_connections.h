#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "guest-agent/stdio/pump.h"
#include "vmm/base/event_loop.h"

namespace nacre::agent {

/// A TCP connection to `port` of the loopback addresses, IPv4 before IPv6, of the network namespace that
/// `process` is in; non-blocking.
Result<FileDescriptor> connect_to_port(pid_t process, std::uint16_t port);

/// Connections of the host to ports of containers: bytes go both ways until both directions have ended.
/// Belongs to the loop's thread.
class PortConnections {
  public:
    explicit PortConnections(EventLoop& loop) : loop_(loop) {}
    PortConnections(const PortConnections&) = delete;
    PortConnections& operator=(const PortConnections&) = delete;

    /// Whether there may be another one: each costs buffers.
    bool has_room() const;

    /// Sends `greeting` to the host and ties the two together.
    Result<void> add(FileDescriptor port, FileDescriptor host, const std::string& greeting);

  private:
    struct Connection {
        FileDescriptor port;
        FileDescriptor host;
        std::unique_ptr<Pump> to_port;
        std::unique_ptr<Pump> to_host;
        int open_directions = 2;
    };
    Result<std::unique_ptr<Pump>> start(std::uint64_t number, const FileDescriptor& from,
                                        const FileDescriptor& to);
    void on_end(std::uint64_t number, int sink, Pump::End end);

    EventLoop& loop_;
    std::map<std::uint64_t, Connection> connections_;
    std::uint64_t next_ = 0;
};

}  // namespace nacre::agent
