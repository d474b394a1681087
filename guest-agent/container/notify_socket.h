#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// The socket that a container's processes send to with sd_notify(3). What they send is read at once,
/// whoever listens, so that no sender waits. Belongs to the loop's thread.
class NotifySocket {
  public:
    /// Gets one message: at most `max_message_bytes`, any bytes.
    using OnMessage = std::function<void(const std::string& message)>;
    static constexpr std::size_t max_message_bytes = 4096;

    /// Makes the socket in a new directory below `parent`.
    static Result<std::unique_ptr<NotifySocket>> create(EventLoop& loop, const std::string& parent,
                                                        OnMessage on_message);
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// Removes the socket's file and directory.
    ~NotifySocket();

    /// A detached mount of the socket's file, which everybody may write to.
    Result<FileDescriptor> mount() const;

    /// Reads what was sent so far. Bounded: more than what the socket holds is left to the loop.
    void drain();

    const std::string& path() const { return path_; }

  private:
    NotifySocket(EventLoop& loop, FileDescriptor socket, std::string directory, OnMessage on_message)
        : loop_(loop),
          socket_(std::move(socket)),
          directory_(std::move(directory)),
          path_(directory_ + "/socket"),
          on_message_(std::move(on_message)) {}
    Result<void> bind() const;
    bool receive();

    EventLoop& loop_;
    FileDescriptor socket_;
    std::string directory_;
    std::string path_;
    OnMessage on_message_;
};

}  // namespace nacre::agent
