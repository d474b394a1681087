#include "runtime/relay/relay.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

#include "runtime/relay/terminal.h"

namespace nacre::runtime {

namespace {

constexpr int lost_status = 128 + SIGKILL;
constexpr int answer_timeout_ms = 5'000;
constexpr int power_off_grace_ms = 2'000;
constexpr int vmm_end_grace_ms = 1'000;

/// A guest that does not answer costs a bounded wait; a process that has gone already is no error.
void tell_agent(const RelayedProcess& process, const protocol::Message& request) {
    auto connection =
        AgentConnection::connect(process.vm_directory, protocol::control_port, answer_timeout_ms);
    if (connection)
        (void)connection->call(request, answer_timeout_ms);
}

void forward(int signal, const RelayedProcess& process) {
    if (signal == SIGWINCH && process.terminal)
        pass_window_size(process);
    else if (signal != 0)
        tell_agent(process, protocol::SignalProcess{process.name, static_cast<std::uint32_t>(signal), false});
}

/// Forwards signals until the owner connection has something to say (or is closed).
void wait_for_agent(const RelayedProcess& process, const SignalForwarder& signals) {
    pollfd entries[] = {{process.owner.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    for (;;) {
        if (::poll(entries, 2, -1) < 0 && errno != EINTR)
            return;
        if (entries[0].revents != 0)
            return;
        if ((entries[1].revents & POLLIN) != 0)
            forward(signals.take(), process);
    }
}

/// The guest says how often; what is done for it is bounded.
Result<void> take_event(RelayedProcess& process, const protocol::Message& message, int& oom_kills) {
    if (std::holds_alternative<protocol::NamesWanted>(message)) {
        if (const auto function = std::exchange(process.on_names_wanted, nullptr))
            function();
    } else if (!std::holds_alternative<protocol::OutOfMemory>(message)) {
        return fail("the guest agent sent a message out of order");
    } else if (process.on_oom_kill && oom_kills++ < max_oom_kills) {
        process.on_oom_kill();
    }
    return {};
}

/// The agent's account of the end, or why there is none.
Result<protocol::Exited> wait_for_exit(RelayedProcess& process, const SignalForwarder& signals) {
    for (int oom_kills = 0;;) {
        wait_for_agent(process, signals);
        // A frame once begun is finished soon, or the guest is not to be waited for.
        NACRE_ASSIGN(const auto message, process.owner.receive(10'000));
        if (const auto* exited = std::get_if<protocol::Exited>(&message))
            return *exited;
        NACRE_TRY(take_event(process, message, oom_kills));
    }
}

ProcessEnd lost(const Error& error, VirtualMachine* vm, const RelayedProcess& process) {
    const bool connection_closed = error.code == ENOTCONN || error.code == ECONNRESET;
    if (vm == nullptr) {
        const auto panic = panic_in(process.vm_directory);
        return {lost_status, false,
                connection_closed ? "the virtual machine ended" + (panic.empty() ? panic : ": " + panic)
                                  : error.message};
    }
    const int wait_status = vm->stop(connection_closed ? vmm_end_grace_ms : 0);
    auto end = vm->describe_end(wait_status);
    const bool out_of_memory = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL &&
                               process.host_is_out_of_memory && process.host_is_out_of_memory();
    if (out_of_memory)
        end += out_of_memory_on_host;
    return {lost_status, out_of_memory,
            connection_closed ? "the virtual machine ended: " + end : error.message};
}

}  // namespace

void pass_window_size(const RelayedProcess& process) {
    const auto size = process.terminal ? window_size(process.terminal.get()) : std::nullopt;
    if (size)
        tell_agent(process, protocol::ResizeTerminal{process.name, static_cast<std::uint16_t>(size->height),
                                                     static_cast<std::uint16_t>(size->width)});
}

ProcessEnd relay_process(RelayedProcess process, Streams streams, const SignalForwarder& signals,
                         VirtualMachine* vm) {
    const auto exited = wait_for_exit(process, signals);
    if (!exited) {
        auto end = lost(exited.error(), vm, process);
        streams.finish();
        return end;
    }
    streams.finish();
    // Closing the owner connection tells the agent that its account was taken; a VM without other containers
    // then powers off. If the guest claims to have some that it has not, nacre-vmm ends with this process.
    process.owner.release().reset();
    if (vm != nullptr && exited->vm_stays)
        vm->leave_running();
    else if (vm != nullptr)
        vm->stop(power_off_grace_ms);
    const bool out_of_memory = exited->out_of_memory;
    return {static_cast<int>(exited->status & 0xff), out_of_memory,
            out_of_memory ? "killed: out of memory" : "", exited->vm_stays};
}

}  // namespace nacre::runtime
