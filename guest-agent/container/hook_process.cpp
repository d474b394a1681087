#include "guest-agent/container/hook_process.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <array>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/credentials.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/process_environment.h"
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

Result<void> run(const HookPlan& plan) {
    NACRE_TRY(reset_inherited_attributes(plan.process));
    NACRE_TRY(enter_namespaces_of(plan.init, plan.user_namespace));
    if (plan.process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail_errno("set no_new_privs");
    NACRE_TRY(become_user(plan.own_user ? plan.process : as_root(plan.process)));
    const auto environment = plan.own_user ? process_environment(plan.process) : std::vector<std::string>();
    return oci::run_hooks(oci::with_environment(plan.hooks, environment), plan.stage, plan.state, "/");
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
