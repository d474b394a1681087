#include "guest-agent/container/hook_process.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <array>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/credentials.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/process_environment.h"
#include "guest-agent/container/process_filter.h"
#include "runtime/oci/hooks.h"

namespace nacre::agent {

namespace {

/// The container's root with all that the container may have, for hooks that prepare it.
oci::Process as_root(oci::Process process) {
    process.user = {};
    if (process.capabilities) {
        auto& sets = *process.capabilities;
        sets.effective = sets.permitted = sets.bounding;
        sets.ambient.clear();
    }
    return process;
}

Result<void> become_hook(const oci::Process& process, const ProcessFilter& filter) {
    NACRE_TRY(filter.apply_as_root());
    NACRE_TRY(become_user(process));
    return filter.apply_last();
}

Result<void> run(const HookPlan& plan) {
    NACRE_TRY(reset_inherited_attributes(plan.process));
    ProcessFilter filter(plan.process.no_new_privileges);
    NACRE_TRY(filter.compile(plan.seccomp));
    NACRE_TRY(enter_namespaces_of(plan.init, plan.user_namespace));
    const auto process = plan.own_user ? plan.process : as_root(plan.process);
    const auto environment = plan.own_user ? process_environment(process) : std::vector<std::string>();
    // Each hook alone: a filter that it can do with may not allow what it takes to start and to await one.
    return oci::run_hooks(oci::with_environment(plan.hooks, environment), plan.stage, plan.state, "/",
                          [&] { return become_hook(process, filter); });
}

}  // namespace

void run_hook_process(const HookPlan& plan, SetupChild channel) {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    const std::array keep{channel.fd(), plan.init};
    close_other_descriptors(keep);
    auto done = run(plan);
    if (done)
        done = channel.created();
    if (!done)
        channel.failed(done.error());
    ::_exit(done ? 0 : 1);
}

}  // namespace nacre::agent
