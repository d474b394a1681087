#include "guest-agent/container/exec_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/console.h"
#include "guest-agent/container/execution.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/rlimits.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

Result<void> set_up_terminal(const ExecPlan& plan, SetupChild& channel) {
    const auto& process = plan.process;
    NACRE_ASSIGN(const auto root, open_file("/", O_PATH | O_DIRECTORY));
    NACRE_ASSIGN(const auto console, open_console(root.get(), process.console_size, plan.callers_terminal));
    if (::fchown(console.slave.get(), process.user.uid, static_cast<gid_t>(-1)) < 0)
        return fail_errno("set owner of terminal");
    NACRE_TRY(take_console(console.slave.get()));
    return channel.send_console(console.master.get());
}

Result<void> set_up(const ExecPlan& plan, SetupChild& channel, ChildPipes& pipes, Execution& execution) {
    if (::setsid() < 0)
        return fail_errno("make session");
    NACRE_TRY(pipes.take_standard());
    NACRE_TRY(join_new_keyring(plan.container_id));
    if (plan.process.terminal)
        NACRE_TRY(set_up_terminal(plan, channel));
    if (plan.personality)
        NACRE_TRY(set_personality(*plan.personality));
    if (plan.process.exec_cpu_affinity)
        NACRE_TRY(set_cpu_affinity(plan.process.exec_cpu_affinity->final));
    NACRE_TRY(take_passed_descriptors(channel, pipes));
    return execution.prepare();
}

/// In the child's child.
[[noreturn]] void become_program(const ExecPlan& plan, SetupChild& channel, ChildPipes& pipes,
                                 Execution& execution) {
    auto ready = set_up(plan, channel, pipes, execution);
    if (ready)
        ready = channel.created();
    if (!ready) {
        channel.failed(ready.error());
        ::_exit(1);
    }
    finish_set_up(channel, execution);
}

/// In the child: gives birth to the process, and tells the agent its pid.
Result<void> enter_and_clone(const ExecPlan& plan, SetupChild& channel, ChildPipes& pipes,
                             Execution& execution) {
    // While /proc is still the agent's, and its own protection is in force.
    NACRE_TRY(reset_inherited_attributes(plan.process));
    if (plan.process.exec_cpu_affinity)
        NACRE_TRY(set_cpu_affinity(plan.process.exec_cpu_affinity->initial));
    NACRE_TRY(execution.compile_filter(plan.seccomp));
    NACRE_TRY(allow_rlimits(0, plan.process.rlimits));
    NACRE_TRY(enter_namespaces_of(plan.init, plan.user_namespace));
    NACRE_ASSIGN(const auto pid, clone_process(CLONE_PARENT, -1));
    if (pid == 0)
        become_program(plan, channel, pipes, execution);
    return channel.send_pid(pid);
}

}  // namespace

void run_exec_process(const ExecPlan& plan, SetupChild channel, ChildPipes pipes) {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    auto keep = pipes.descriptors();
    keep.push_back(channel.fd());
    keep.push_back(plan.init);
    close_other_descriptors(keep);
    Execution execution(plan.process);
    if (const auto cloned = enter_and_clone(plan, channel, pipes, execution); !cloned)
        channel.failed(cloned.error());
    ::_exit(0);
}

}  // namespace nacre::agent
