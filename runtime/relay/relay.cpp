#include "runtime/relay/relay.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>

namespace nacre::runtime {

namespace {

constexpr int lost_status = 128 + SIGKILL;
constexpr int power_off_grace_ms = 2'000;
constexpr int vmm_end_grace_ms = 1'000;

/// Forwards signals until the owner connection has something to say (or is closed).
void wait_for_agent(const RelayedProcess& process, const SignalForwarder& signals) {
    pollfd entries[] = {{process.owner.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    for (;;) {
        if (::poll(entries, 2, -1) < 0 && errno != EINTR)
            return;
        if (entries[0].revents != 0)
            return;
        if ((entries[1].revents & POLLIN) != 0)
            signals.forward_one(process.vm_directory, process.name);
    }
}

/// The agent's account of the end, or why there is none.
Result<protocol::Exited> wait_for_exit(RelayedProcess& process, const SignalForwarder& signals) {
    for (;;) {
        wait_for_agent(process, signals);
        // A frame once begun is finished soon, or the guest is not to be waited for.
        NACRE_ASSIGN(const auto message, process.owner.receive(10'000));
        if (const auto* exited = std::get_if<protocol::Exited>(&message))
            return *exited;
        if (!std::holds_alternative<protocol::OutOfMemory>(message))
            return fail("the guest agent sent a message out of order");
    }
}

ProcessEnd lost(const Error& error, VirtualMachine* vm) {
    if (vm == nullptr)
        return {lost_status, false, error.message};
    const bool connection_closed = error.code == ENOTCONN || error.code == ECONNRESET;
    const int wait_status = vm->stop(connection_closed ? vmm_end_grace_ms : 0);
    const auto end = vm->describe_end(wait_status);
    return {lost_status, false, connection_closed ? "the virtual machine ended: " + end : error.message};
}

}  // namespace

ProcessEnd relay_process(RelayedProcess process, Streams streams, const SignalForwarder& signals,
                         VirtualMachine* vm) {
    const auto exited = wait_for_exit(process, signals);
    if (!exited) {
        auto end = lost(exited.error(), vm);
        streams.finish();
        return end;
    }
    streams.finish();
    // Closing the owner connection tells the agent that its account was taken; a standalone VM then powers
    // off.
    process.owner.release().reset();
    if (vm != nullptr)
        vm->stop(power_off_grace_ms);
    const bool out_of_memory = exited->out_of_memory;
    return {static_cast<int>(exited->status & 0xff), out_of_memory,
            out_of_memory ? "killed: out of memory" : ""};
}

}  // namespace nacre::runtime
