#pragma once

#include <string>

#include "guest-agent/protocol/frame.h"
#include "guest-agent/protocol/messages.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// One stream to the agent that carries protocol messages. Blocking, with a bound on every wait. What comes
/// from the agent is untrusted: it is checked by the protocol's decoder, and errors and the processes' texts
/// hold no control characters (printable.h). Belongs to one thread; another one may send() meanwhile.
class AgentConnection {
  public:
    /// Over a connected stream socket (e.g. the VM channel).
    explicit AgentConnection(FileDescriptor socket) : socket_(std::move(socket)) {}

    /// Connects to guest port `port` through the VM's unix socket in the directory `vm_directory` (any
    /// length: the socket is reached through an open directory), and waits at most `timeout_ms` for the guest
    /// to accept.
    static Result<AgentConnection> connect(const std::string& vm_directory, std::uint32_t port,
                                           int timeout_ms);

    Result<void> send(const protocol::Message& message);

    /// The next message; an error after `timeout_ms` (-1: no limit) or when the other side has closed (code
    /// ENOTCONN).
    Result<protocol::Message> receive(int timeout_ms);

    /// send() and receive(); a Failed answer becomes an error with the agent's message and errno.
    Result<protocol::Message> call(const protocol::Message& request, int timeout_ms);

    /// To poll for input, or to go on with raw bytes after the last message.
    int fd() const { return socket_.get(); }
    FileDescriptor release() { return std::move(socket_); }

  private:
    FileDescriptor socket_;
    protocol::FrameReader reader_;
};

/// Connects to the agent of the VM in `vm_directory`, asks one thing, and returns the answer. Each of the two
/// waits is at most `timeout_ms`.
Result<protocol::Message> call_agent(const std::string& vm_directory, const protocol::Message& request,
                                     int timeout_ms);

/// A connection to the VM's vsock socket in `vm_directory`, before any CONNECT. Its peer (SO_PEERCRED) is the
/// relay that made the socket.
Result<FileDescriptor> connect_to_vm(const std::string& vm_directory);

}  // namespace nacre::runtime
