#include "guest-agent/process.h"

#include <signal.h>
#include <sys/wait.h>

#include <utility>

namespace nacre::agent {

namespace {

/// What ends runc's own init while it waits for `start`.
bool ends_waiting_init(int number) {
    return number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGABRT ||
           number == SIGTERM;
}

}  // namespace

int exit_status(int wait_status) {
    constexpr int signal_base = 128;
    return WIFSIGNALED(wait_status) ? signal_base + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<std::unique_ptr<Process>> Process::watch(EventLoop& loop, pid_t pid, SetupParent channel,
                                                ParentPipes pipes, Answer on_created,
                                                OnFinished on_finished) {
    std::unique_ptr<Process> process(new Process(loop, pid, std::move(channel), std::move(pipes),
                                                 std::move(on_created), std::move(on_finished)));
    NACRE_TRY(loop.add(process->channel_.fd(), EPOLLIN,
                       [watched = process.get()](std::uint32_t) { watched->read_reports(); }));
    return process;
}

Process::Process(EventLoop& loop, pid_t pid, SetupParent channel, ParentPipes pipes, Answer on_created,
                 OnFinished on_finished)
    : loop_(loop),
      pid_(pid),
      channel_(std::move(channel)),
      streams_(loop, std::move(pipes)),
      on_created_(std::move(on_created)),
      on_finished_(std::move(on_finished)) {}

Process::~Process() {
    loop_.remove(channel_.fd());
}

Result<void> Process::start(Answer answer) {
    if (state_ != State::created)
        return fail_with(EINVAL, "the process is not waiting to be started");
    NACRE_TRY(channel_.start());
    state_ = State::starting;
    on_started_ = std::move(answer);
    return {};
}

Result<void> Process::signal(int number) const {
    // A pid that was reaped may be another's.
    if (state_ == State::gone)
        return fail_with(ESRCH, "signal {}", number);
    // The first process of a pid namespace ignores what it has no handler for (pid_namespaces(7)): before its
    // program runs, only SIGKILL stops it.
    const bool waits = state_ == State::setting_up || state_ == State::created;
    if (::kill(pid_, waits && ends_waiting_init(number) ? SIGKILL : number) < 0)
        return fail_errno("signal {}", number);
    return {};
}

void Process::read_reports() {
    while (channel_open_) {
        auto report = channel_.receive();
        if (!report)
            return;
        take_report(std::move(*report));
    }
}

void Process::take_report(SetupReport report) {
    switch (report.kind) {
        case SetupReport::Kind::pid:
            pid_ = report.pid;
            return;
        case SetupReport::Kind::console:
            if (auto used = streams_.use_terminal(std::move(report.console)); !used)
                answer_created(std::move(used));
            return;
        case SetupReport::Kind::created:
            if (state_ == State::setting_up)
                state_ = State::created;
            answer_created({});
            return;
        case SetupReport::Kind::failed:
            answer_created(tl::unexpected(report.error));
            answer_start(tl::unexpected(report.error));
            return;
        case SetupReport::Kind::gone:
            loop_.remove(channel_.fd());
            channel_open_ = false;
            // Closed by execve, unless it died: reaped() tells then.
            if (state_ == State::starting) {
                state_ = State::running;
                streams_.started();
                answer_start({});
            }
            return;
    }
}

void Process::answer_created(Result<void> result) {
    if (on_created_)
        std::exchange(on_created_, nullptr)(std::move(result));
}

void Process::answer_start(Result<void> result) {
    if (on_started_)
        std::exchange(on_started_, nullptr)(std::move(result));
}

void Process::reaped(int wait_status) {
    read_reports();
    state_ = State::gone;
    const int status = exit_status(wait_status);
    answer_created(fail("the process died while it was set up (exit status {})", status));
    streams_.when_drained([this, status] { std::exchange(on_finished_, nullptr)(status); });
}

}  // namespace nacre::agent
