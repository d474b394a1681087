#pragma once

#include <vector>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/netlink_message.h"

namespace nacre::netlink {

/// A netlink(7) socket: it belongs to the network namespace of the thread that opened it, whoever uses it
/// then. Every call is bounded in time. Belongs to one thread.
class Socket {
  public:
    /// `protocol`: NETLINK_ROUTE, …
    static Result<Socket> open(int protocol);

    /// Has the kernel carry out all requests, in order, with as few system calls as their sizes allow. A
    /// request that fails does not keep the later ones from being carried out; the first one's failure is the
    /// error.
    Result<void> execute(const std::vector<Request>& requests);

    /// All messages of the answer to a request with NLM_F_DUMP, one after the other; asked again when the
    /// kernel's tables have changed meanwhile. More than 4 MiB are an error.
    Result<std::vector<std::byte>> dump(const Request& request);

    int fd() const { return socket_.get(); }

  private:
    explicit Socket(FileDescriptor socket) : socket_(std::move(socket)), buffer_(buffer_size) {}
    Result<void> send(Bytes bytes, const std::string& what);
    Result<Bytes> receive(const std::string& what);
    Result<void> execute_some(std::span<const Request> requests);
    Result<bool> dump_once(const Request& request, std::vector<std::byte>& answer);

    static constexpr std::size_t buffer_size = 32768;  // the most that a dump puts into one datagram

    FileDescriptor socket_;
    std::vector<std::byte> buffer_;
    std::uint32_t sequence_ = 1;
};

}  // namespace nacre::netlink
