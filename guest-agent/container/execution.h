#pragma once

#include <optional>
#include <string>

#include "guest-agent/container/process_filter.h"
#include "guest-agent/container/setup_channel.h"
#include "guest-agent/stdio/process_pipes.h"
#include "runtime/oci/spec.h"

namespace nacre::agent {

/// The last part of a new process's set-up, the same for a container's first process and for one that is
/// exec'd into it: from "in the container's root, as root" to the user's program.
class Execution {
  public:
    /// `process` must outlive this.
    explicit Execution(const oci::Process& process) : process_(process), filter_(process.no_new_privileges) {}

    /// Everything that may take long or needs what the container does not have; before the root is entered.
    Result<void> compile_filter(const std::optional<oci::Seccomp>& seccomp) {
        return filter_.compile(seccomp);
    }

    /// Limits, no_new_privs, working directory, user, capabilities; finds the executable. From here on the
    /// process is what the configuration says.
    Result<void> prepare();

    /// Puts the seccomp filter on, if it was left for last, and executes the program. Returns only if that
    /// failed.
    Error execute();

  private:
    Result<void> enter_working_directory() const;

    const oci::Process& process_;
    std::vector<std::string> environment_;
    ProcessFilter filter_;
    std::string executable_;
};

/// Makes the passed descriptors the process's 3 and on: whatever else the process has open there is gone, but
/// the channel, which moves. Before Execution::prepare(): a seccomp filter may forbid it afterwards.
Result<void> take_passed_descriptors(SetupChild& channel, ChildPipes& pipes);

/// What is left after SetupChild::created(): waits for the agent's start, executes, and reports if that
/// failed.
[[noreturn]] void finish_set_up(SetupChild& channel, Execution& execution);

/// The exit status of a process whose execve failed, as shells have it: 127 for a missing program, else 126.
int failed_execution_status(int code);

}  // namespace nacre::agent
