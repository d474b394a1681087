#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "vmm/base/event_loop.h"
#include "vmm/control/message.h"

namespace nacre::control {

/// Answers the runtime's requests, one packet each, on the connections of a unix socket. Belongs to the
/// thread of its loop.
///
/// Who can connect is the runtime itself, so there is no authentication here: the socket lies in a directory
/// of root. Bounded all the same: connections, the size of a request, one request of a connection a turn; a
/// client that does not read its replies is dropped.
class Server {
  public:
    /// Carries a request out and says what came of it. On the loop's thread; must not block.
    using Handler = std::function<Reply(Request request)>;

    static constexpr std::size_t max_connections = 16;  // more wait in the socket's backlog

    /// Takes over `listener`, a listening AF_UNIX socket of type SOCK_SEQPACKET. `loop` outlives the server.
    static Result<std::unique_ptr<Server>> create(EventLoop& loop, FileDescriptor listener, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

  private:
    Server(EventLoop& loop, FileDescriptor listener, Handler handler)
        : loop_(loop), listener_(std::move(listener)), handler_(std::move(handler)) {}

    Result<void> watch_listener();
    void accept_connection();
    void serve(int fd);
    void drop(int fd);

    EventLoop& loop_;
    FileDescriptor listener_;
    Handler handler_;
    std::unordered_map<int, FileDescriptor> connections_;  // by their number
};

}  // namespace nacre::control
