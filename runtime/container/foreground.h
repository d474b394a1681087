#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>

#include "runtime/relay/terminal.h"

namespace nacre::runtime {

/// What a caller that waits for its guest process is meanwhile: all signals are blocked and passed on, and
/// its terminal, if the process has it, is raw. The terminal is as before when the object is destroyed; the
/// signals stay blocked.
class Foreground {
  public:
    /// `terminal`: the one that the process has; -1: none.
    static Result<Foreground> begin(int terminal);

    /// Waits for the relay, our child, and passes every other signal on to it. Returns its exit status (128 +
    /// n if signal n killed it).
    int wait_for(pid_t relay) const;

  private:
    Foreground(const sigset_t& signals, std::optional<RawTerminal> terminal)
        : signals_(signals), terminal_(std::move(terminal)) {}

    sigset_t signals_;
    std::optional<RawTerminal> terminal_;
};

}  // namespace nacre::runtime
