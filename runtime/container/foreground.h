#pragma once

#include <signal.h>
#include <sys/types.h>

namespace nacre::runtime {

/// Blocks all signals, to be taken by wait_for_relay(): the caller's signals are the guest process's.
sigset_t block_signals();

/// Waits for the relay, our child, and passes every other signal of `signals` on to it. Returns its exit
/// status (128 + n if signal n killed it).
int wait_for_relay(pid_t relay, const sigset_t& signals);

}  // namespace nacre::runtime
