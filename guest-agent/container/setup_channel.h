#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>

#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// What a new process tells the agent while it sets itself up.
struct SetupReport {
    enum class Kind {
        pid,      // the set-up goes on in another process, `pid`
        console,  // `console` is the master of the process's terminal; comes before `created`
        created,  // all is done but execve(2); waits for start()
        failed,   // `error` says why; it exits
        gone,     // the channel is closed: execve succeeded, or the process died
    };
    Kind kind = Kind::gone;
    Error error;
    pid_t pid = 0;  // in the agent's pid namespace
    FileDescriptor console;
};

/// The agent's end of the channel to a process that sets itself up (a SOCK_SEQPACKET socket pair; both ends
/// are close-on-exec, so that a successful execve closes the process's).
class SetupParent {
  public:
    explicit SetupParent(FileDescriptor socket) : socket_(std::move(socket)) {}
    int fd() const { return socket_.get(); }

    /// The next report, or none if there is nothing to read.
    std::optional<SetupReport> receive();

    /// Lets the process go on to its execve.
    Result<void> start();

  private:
    FileDescriptor socket_;
};

/// The process's end. Between created() and execve only read(2) and write(2) are used: a seccomp filter may
/// be in force.
class SetupChild {
  public:
    explicit SetupChild(FileDescriptor socket) : socket_(std::move(socket)) {}
    int fd() const { return socket_.get(); }

    /// Makes room: the channel's descriptor is `lowest` or more afterwards.
    Result<void> move_above(int lowest);

    Result<void> send_console(int master);
    Result<void> send_pid(pid_t pid);
    Result<void> created();
    void failed(const Error& error);

    /// Waits for start(); false when the agent has closed instead.
    bool wait_for_start();

  private:
    FileDescriptor socket_;
};

Result<std::pair<SetupParent, SetupChild>> make_setup_channel();

}  // namespace nacre::agent
