#pragma once

#include <memory>
#include <set>

#include "guest-agent/control_connection.h"

namespace nacre::agent {

/// Accepts connections on a listening socket and serves each with the same handler. The connections end with
/// it.
class Server {
  public:
    /// Decides by an accepted socket whether its peer may talk to the agent at all.
    using Admission = std::function<bool(int socket)>;

    /// `listener` listens and is non-blocking: vsock in a VM, any stream socket in a test.
    static Result<std::unique_ptr<Server>> start(EventLoop& loop, FileDescriptor listener, Admission admits,
                                                 ControlConnection::Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Serves a socket that is connected already.
    Result<void> adopt(FileDescriptor socket);

    /// Lets go of a connection whose socket was released.
    void forget(const ControlConnection& connection);

  private:
    Server(EventLoop& loop, FileDescriptor listener, Admission admits, ControlConnection::Handler handler);
    void accept_one();

    EventLoop& loop_;
    FileDescriptor listener_;
    Admission admits_;
    ControlConnection::Handler handler_;
    std::set<std::shared_ptr<ControlConnection>> connections_;
};

}  // namespace nacre::agent
