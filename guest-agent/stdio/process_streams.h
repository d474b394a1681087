#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "guest-agent/protocol/messages.h"
#include "guest-agent/stdio/process_pipes.h"
#include "guest-agent/stdio/pump.h"

namespace nacre::agent {

/// A process's streams on the agent's side: its pipes, sockets or terminal, and the connections that were
/// attached to them. What nobody attached waits in the pipe until this is destroyed.
class ProcessStreams {
  public:
    ProcessStreams(EventLoop& loop, ParentPipes&& pipes);
    ProcessStreams(const ProcessStreams&) = delete;
    ProcessStreams& operator=(const ProcessStreams&) = delete;

    /// The process has a terminal: its master (non-blocking from now on) takes the place of the pipes. When
    /// the host closes the connection to standard output the terminal is hung up.
    Result<void> use_terminal(FileDescriptor master);

    /// An error if there is no such stream, or it was attached before.
    Result<void> check_attachable(protocol::Stream stream) const;

    /// Ties `connection` to an attachable stream: sends `greeting` on it, then the stream's bytes. An input
    /// waits with both until started(). A terminal has no standard error: that connection ends at once.
    Result<void> attach(protocol::Stream stream, FileDescriptor connection, std::string greeting);

    /// The process executes its program.
    void started();

    /// The process is gone. Calls `on_drained` when all output that it has written was passed on, or cannot
    /// be, at once or later from the loop. The output connections are closed then, also if the process's
    /// children live on and have the streams open.
    void when_drained(std::function<void()> on_drained);

    /// Sets the terminal's window size; an error if there is no terminal.
    Result<void> resize(std::uint16_t rows, std::uint16_t columns) const;

  private:
    struct Input {
        FileDescriptor pipe;
        FileDescriptor connection;  // while it waits for started()
        std::string greeting;
        std::unique_ptr<Pump> pump;
    };
    struct Output {
        FileDescriptor pipe;
        std::unique_ptr<Pump> pump;
    };

    bool is_absent(protocol::Stream stream) const;
    Result<void> attach_output(std::uint32_t number, FileDescriptor connection, const std::string& greeting);
    Result<void> start_input(std::uint32_t number, FileDescriptor connection, const std::string& greeting);
    void on_output_end(std::uint32_t number, Pump::End end);
    void on_input_end(std::uint32_t number);
    void hang_up();
    void watch_idle(Pump& pump);
    bool drained() const;
    void check_drained();

    EventLoop& loop_;
    std::map<std::uint32_t, Input> inputs_;    // by descriptor of the process
    std::map<std::uint32_t, Output> outputs_;  // likewise
    FileDescriptor terminal_;                  // its master
    FileDescriptor
        terminal_slave_;  // open here, so that the master does not fail while no process has it open
    std::map<std::uint32_t, FileDescriptor> sockets_;  // of descriptors that are input and output
    bool process_gone_ = false;
    bool started_ = false;
    std::function<void()> on_drained_;
};

}  // namespace nacre::agent
