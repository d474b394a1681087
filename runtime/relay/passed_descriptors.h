#pragma once

#include <cstdint>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// An open descriptor of the caller of nacre that the guest process gets too (`--preserve-fds`): its bytes
/// are carried, in the directions that it is open for. Close-on-exec from now on.
struct PassedDescriptor {
    FileDescriptor fd;
    protocol::PassedDescriptor direction;
};

/// Which way the bytes of a descriptor go. Pipes, stream sockets and terminals (and /dev/null) can be passed,
/// and files that are open for reading or for writing alone: those are read or written from where they are
/// on, as a pipe is. One that is not open, or is anything else (a listening or datagram socket, a device, a
/// directory, a file open for both), is an error that names it. Ours, which are close-on-exec, are not the
/// caller's.
Result<protocol::PassedDescriptor> passable_direction(int fd);

/// Takes over descriptors 3 to 2 + `count`; the first that cannot be passed is the error.
Result<std::vector<PassedDescriptor>> take_passed_descriptors(std::uint32_t count);

/// As the agent is told of them.
std::vector<protocol::PassedDescriptor> directions_of(const std::vector<PassedDescriptor>& descriptors);

/// Refuses systemd's socket activation (sd_listen_fds(3): LISTEN_FDS and LISTEN_PID name this process): the
/// kernel of a VM cannot accept on a socket of the host.
Result<void> check_socket_activation();

}  // namespace nacre::runtime
