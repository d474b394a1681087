#pragma once

#include <functional>
#include <memory>
#include <string>

#include "guest-agent/protocol/frame.h"
#include "guest-agent/protocol/messages.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// One connection that carries protocol messages. Requests are handled one at a time: the next one is read
/// when the last was answered. A peer that breaks the protocol, or does not take what it is sent, is
/// disconnected. Belongs to the loop's thread.
class ControlConnection : public std::enable_shared_from_this<ControlConnection> {
  public:
    using Handler = std::function<void(ControlConnection&, protocol::Message)>;
    using OnClosed = std::function<void()>;

    /// `handler` gets every request and sees to it that answer() follows, at once or later.
    static Result<std::shared_ptr<ControlConnection>> open(EventLoop& loop, FileDescriptor socket,
                                                           Handler handler);
    ControlConnection(const ControlConnection&) = delete;
    ControlConnection& operator=(const ControlConnection&) = delete;
    ~ControlConnection();

    /// Answers the request being handled and goes on to the next.
    void answer(const protocol::Message& message);

    /// Sends an event, at any time.
    void send(const protocol::Message& message);

    /// Whether the peer has not yet taken all that it was sent.
    bool is_behind() const { return !unsent_.empty(); }

    /// Stops watching and closes; the functions given to when_closed() are called. Whoever holds this lets
    /// go.
    void close();
    bool is_open() const { return socket_.valid(); }

    /// Calls `function` once, when this is closed by either side.
    void when_closed(OnClosed function) { on_closed_.push_back(std::move(function)); }

    /// Takes the socket off the loop and gives it away: what follows is not messages. Nothing is called.
    FileDescriptor release();

  private:
    ControlConnection(EventLoop& loop, FileDescriptor socket, Handler handler);
    void on_event(std::uint32_t events);
    void receive();
    bool read_some();
    void flush();
    void update_interest();

    EventLoop& loop_;
    FileDescriptor socket_;
    Handler handler_;
    std::vector<OnClosed> on_closed_;
    protocol::FrameReader reader_;
    std::string unsent_;
    bool busy_ = false;  // a request is being handled
};

}  // namespace nacre::agent
