#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "guest-agent/protocol/network.h"
#include "vmm/base/netlink_socket.h"

namespace nacre::runtime {

/// Interfaces that a configuration moves from the host into its container's network namespace
/// (linux.netDevices; config-linux.md, "Network Devices"). There `connect_network` finds them as it does
/// those of other callers. The calling thread enters the container's namespace between `find` and
/// `move_here`.
class HostDevices {
  public:
    /// Names of the host's interfaces, and what they are called in the container; empty: the same.
    using Names = std::map<std::string, std::string>;

    /// Looks them up in the calling thread's network namespace, with their addresses.
    static Result<HostDevices> find(const Names& names);

    /// Moves them into the namespace that the calling thread is in now, renames them, gives them their
    /// addresses of global scope again, which the kernel takes away, and brings them up. MTU and MAC address
    /// stay.
    Result<void> move_here();

  private:
    struct Device {
        std::uint32_t index = 0;
        std::string name;  // in the container
        std::vector<protocol::InterfaceAddress> addresses;
    };

    std::optional<netlink::Socket> host_;  // none: there is nothing to move
    std::vector<Device> devices_;
};

}  // namespace nacre::runtime
