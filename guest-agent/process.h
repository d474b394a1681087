#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "guest-agent/container/setup_channel.h"
#include "guest-agent/stdio/process_streams.h"

namespace nacre::agent {

/// A process that the agent runs for somebody: a container's first, or one that was exec'd into it. From its
/// clone to the moment when it is gone and its output passed on. Belongs to the loop's thread.
class Process {
  public:
    using Answer = std::function<void(Result<void>)>;
    using OnFinished = std::function<void(int status)>;

    /// The process `pid`, just cloned, whose set-up reports on `channel`. `on_created` is called once from
    /// the loop: set up, or why not. `on_finished`: gone, with its exit status (0–255, 128 + n for signal n),
    /// after its output was passed on; `this` may be destroyed in it.
    static Result<std::unique_ptr<Process>> watch(EventLoop& loop, pid_t pid, SetupParent channel,
                                                  ParentPipes pipes, Answer on_created,
                                                  OnFinished on_finished);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    pid_t pid() const { return pid_; }

    /// Whether it is set up and waits for start().
    bool is_created() const { return state_ == State::created; }

    /// Whether its set-up has succeeded.
    bool is_set_up() const { return state_ != State::setting_up; }

    /// Whether it has been reaped.
    bool is_gone() const { return state_ == State::gone; }

    /// Lets it execute its program; `answer` is called once from the loop when it did, or could not. An error
    /// at once if it is not created.
    Result<void> start(Answer answer);

    /// kill(2); ESRCH when it is gone.
    Result<void> signal(int number) const;

    ProcessStreams& streams() { return streams_; }

    /// Takes in what the set-up has reported: its pid may change by that.
    void read_reports();

    /// waitpid(2) returned this process.
    void reaped(int wait_status);

  private:
    enum class State { setting_up, created, starting, running, gone };

    Process(EventLoop& loop, pid_t pid, SetupParent channel, ParentPipes pipes, Answer on_created,
            OnFinished on_finished);
    void take_report(SetupReport report);
    void answer_created(Result<void> result);
    void answer_start(Result<void> result);

    EventLoop& loop_;
    pid_t pid_;
    SetupParent channel_;
    bool channel_open_ = true;
    ProcessStreams streams_;
    State state_ = State::setting_up;
    Answer on_created_;
    Answer on_started_;
    OnFinished on_finished_;
};

/// The exit status of a wait(2) status as a shell counts it.
int exit_status(int wait_status);

}  // namespace nacre::agent
