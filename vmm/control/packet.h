#pragma once

#include <string>
#include <vector>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"

namespace nacre::control {

/// One message on a SOCK_SEQPACKET socket: a text, and descriptors (SCM_RIGHTS).
struct Packet {
    std::string text;
    std::vector<FileDescriptor> descriptors;
};

constexpr std::size_t max_packet_bytes = 16 * 1024;
constexpr std::size_t max_packet_descriptors = 32;

/// Sends one packet; the descriptors stay the caller's. `flags` as of send(2); never raises SIGPIPE.
Result<void> send_packet(int socket, const std::string& text, const std::vector<int>& descriptors, int flags);

/// Takes one packet; the descriptors are close-on-exec. An error when it is larger than the limits above,
/// with ENOTCONN when the other side has closed, and EAGAIN when `flags` has MSG_DONTWAIT and there is none.
Result<Packet> receive_packet(int socket, int flags);

}  // namespace nacre::control
