#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// Where a name server listens. What clients send before anybody serves it waits in the kernel.
struct NameSockets {
    FileDescriptor datagrams;  // bound
    FileDescriptor listener;   // TCP, listening
};

/// Both at the address of docker's embedded name server, 127.0.0.11 port 53, in the network namespace that
/// `process` is in.
Result<NameSockets> open_name_sockets(pid_t process);

/// A name server that knows nothing: it passes questions on and answers back. DNS messages are bytes to it;
/// over TCP each has its length before it (RFC 1035, 4.2.2). A client that is not answered is left to its
/// time-out. What it keeps is bounded: of questions and connections the oldest give way. Belongs to the
/// loop's thread.
class NameServer {
  public:
    /// Passes a question on; false: it cannot be asked now.
    using Ask = std::function<bool(const protocol::NameQuestion&)>;

    static Result<std::unique_ptr<NameServer>> start(EventLoop& loop, NameSockets sockets, Ask ask);
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;
    ~NameServer();

    /// To the client that asked that question; nothing if there is none any more.
    void answer(std::uint32_t question, const std::string& message);

    static constexpr std::size_t max_questions = 256;
    static constexpr std::size_t max_connections = 32;

  private:
    struct Connection {
        FileDescriptor socket;
        std::string received;  // of one message, its length before it
    };
    /// Who asked.
    struct Client {
        sockaddr_in address{};         // of a datagram
        std::uint64_t connection = 0;  // or this one
    };

    NameServer(EventLoop& loop, NameSockets sockets, Ask ask)
        : loop_(loop), sockets_(std::move(sockets)), ask_(std::move(ask)) {}
    void receive_datagram();
    void accept();
    void on_connection(std::uint64_t number, std::uint32_t events);
    bool receive(Connection& connection);
    bool ask(const Client& client, std::string message);
    void answer_connection(std::uint64_t number, const std::string& message);
    void close(std::uint64_t number);

    EventLoop& loop_;
    NameSockets sockets_;
    Ask ask_;
    std::map<std::uint32_t, Client> questions_;  // by number: the oldest first
    std::map<std::uint64_t, Connection> connections_;
    std::uint32_t next_question_ = 0;
    std::uint64_t next_connection_ = 1;
};

}  // namespace nacre::agent
