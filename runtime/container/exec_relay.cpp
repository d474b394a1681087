#include "runtime/container/exec_relay.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/container/cgroup_of.h"
#include "runtime/relay/inherited_descriptors.h"
#include "runtime/relay/relay.h"
#include "runtime/relay/relay_reports.h"

namespace nacre::runtime {

namespace {

constexpr int exec_timeout_ms = 60'000;

struct Started {
    RelayedProcess process;
    Streams streams;
};

/// Not used before in this VM: pids come again.
std::string unique_name() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return fmt::format("exec-{}-{}.{:09}", ::getpid(), now.tv_sec, now.tv_nsec);
}

Result<AgentConnection> exec_in_guest(const ExecRelayTask& task, const protocol::ProcessName& name) {
    const auto& directory = task.container.vm_directory;
    NACRE_ASSIGN(auto owner, AgentConnection::connect(directory, protocol::control_port, exec_timeout_ms));
    NACRE_ASSIGN(const auto answer, owner.call(protocol::ExecProcess{name, task.process, task.cgroup,
                                                                     directions_of(task.descriptors),
                                                                     task.terminal.caller.valid()},
                                               exec_timeout_ms));
    if (!std::holds_alternative<protocol::Created>(answer))
        return fail("the guest agent gave an answer that was not asked for");
    return owner;
}

Result<Started> start_process(ExecRelayTask& task) {
    const protocol::ProcessName name{task.container.id, unique_name()};
    auto owner = exec_in_guest(task, name);
    if (!owner)
        return add_context(std::move(owner).error(), "unable to start container process");
    const auto& directory = task.container.vm_directory;
    const bool has_terminal = task.terminal.wanted;
    NACRE_ASSIGN(auto terminal, take_terminal(task.terminal));
    NACRE_ASSIGN(auto streams, Streams::attach(directory, name, has_terminal, std::move(task.descriptors)));
    return Started{RelayedProcess{name, directory, std::move(*owner), std::move(terminal)},
                   std::move(streams)};
}

/// The relay's life. Never returns to the caller's code.
[[noreturn]] void relay_main(ExecRelayTask& task, FileDescriptor reports, pid_t caller,
                             const Result<void>& joined) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != caller)
        ::_exit(1);
    ::setsid();
    close_inherited_descriptors();
    const auto signals = joined ? SignalForwarder::create() : tl::unexpected(joined.error());
    auto started = signals ? start_process(task) : tl::unexpected(signals.error());
    if (!started) {
        report_failure(reports.get(), started.error());
        ::_exit(1);
    }
    if (!task.foreground)
        ::prctl(PR_SET_PDEATHSIG, 0);
    if (!report_line(reports.get(), "created"))
        ::_exit(1);
    reports.reset();
    const auto end =
        relay_process(std::move(started->process), std::move(started->streams), *signals, nullptr);
    ::_exit(end.status);
}

}  // namespace

Result<pid_t> fork_exec_relay(ExecRelayTask& task) {
    NACRE_ASSIGN(auto pipe, make_report_pipe());
    const pid_t caller = ::getpid();
    NACRE_ASSIGN(const auto forked, open_cgroup(cgroup_of(task.container))->fork());
    if (forked.pid == 0) {
        pipe.reader.reset();
        relay_main(task, std::move(pipe.writer), caller, forked.joined);
    }
    pipe.writer.reset();
    // A caller that stays must not hold open what the process closes.
    task.descriptors.clear();
    const auto report = read_report(pipe.reader.get());
    if (report)
        return forked.pid;
    ::waitpid(forked.pid, nullptr, 0);
    return tl::unexpected(report.error());
}

}  // namespace nacre::runtime
