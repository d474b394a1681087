#include "guest-agent/container/init_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <vector>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/console.h"
#include "guest-agent/container/devices.h"
#include "guest-agent/container/execution.h"
#include "guest-agent/container/mounts.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/paths.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/rlimits.h"
#include "guest-agent/container/rootfs.h"
#include "guest-agent/container/user_namespace.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// Where a container's root is attached before it becomes the root: each has a mount namespace of its own.
constexpr const char* root_place = "/run/nacre/root";

Result<void> enter_namespaces(const InitPlan& plan) {
    NACRE_TRY(enter_late_namespaces(plan.spec.linux));
    NACRE_TRY(set_names(plan.spec));
    if ((clone_flags(plan.spec.linux, plan.member) & CLONE_NEWNET) != 0)
        NACRE_TRY(bring_loopback_up());
    return set_sysctls(plan.spec.linux.sysctl);
}

/// A bind mount on /dev brings its own devices; the configuration's are not made in somebody else's
/// directory.
bool brings_devices(const std::vector<oci::Mount>& mounts) {
    for (const auto& mount : mounts) {
        if ((mount.destination == "/dev" || mount.destination == "/dev/") && is_bind_mount(mount))
            return true;
    }
    return false;
}

Result<void> make_dev(int root, const oci::Spec& spec) {
    if (brings_devices(spec.mounts))
        return {};
    NACRE_TRY(make_devices(root, spec.linux.devices));
    return make_device_links(root);
}

Result<void> set_up_terminal(int root, const InitPlan& plan, SetupChild& channel) {
    const auto& process = *plan.spec.process;
    NACRE_ASSIGN(const auto console, open_console(root, process.console_size, plan.callers_terminal));
    if (::fchown(console.slave.get(), process.user.uid, static_cast<gid_t>(-1)) < 0)
        return fail_errno("set owner of terminal");
    NACRE_TRY(bind_console(root, console.slave.get()));
    NACRE_TRY(take_console(console.slave.get()));
    return channel.send_console(console.master.get());
}

Result<void> build_root(const InitPlan& plan, const ShareMounts& mounts, SetupChild& channel) {
    const auto& spec = plan.spec;
    const int root = mounts.root.get();
    NACRE_TRY(make_mounts_private());
    NACRE_TRY(attach_root(root, root_place));
    NACRE_ASSIGN(const auto late, make_mounts({root, plan.host_rootfs, mounts.sources}, spec.mounts));
    NACRE_TRY(make_dev(root, spec));
    if (spec.process->terminal)
        NACRE_TRY(set_up_terminal(root, plan, channel));
    NACRE_TRY(make_in_root(root, spec.process->cwd, PathKind::directory));
    NACRE_TRY(make_paths_readonly(root, spec.linux.readonly_paths));
    NACRE_TRY(mask_paths(root, spec.linux.masked_paths));
    NACRE_TRY(enter_root(root));
    return seal_root(root, spec, late);
}

/// Nobody in the container may look into this process while it is still the agent's program (CVE-2019-5736);
/// execve makes it dumpable again.
void forbid_inspection() {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/// The root of a user namespace owns its files in /proc only while it is dumpable. Nobody else is in the
/// container before it is created.
Result<void> enter_user_namespace(SetupChild& channel) {
    if (!channel.wait_for_start())
        ::_exit(1);
    NACRE_TRY(become_namespace_root());
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return {};
}

Result<void> set_up(const InitPlan& plan, const ShareMounts& mounts, SetupChild& channel, ChildPipes& pipes,
                    Execution& execution) {
    const auto& process = *plan.spec.process;
    if (has_user_namespace(plan.spec.linux))
        NACRE_TRY(enter_user_namespace(channel));
    else if (plan.joined.contains(oci::NamespaceType::user))
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    NACRE_TRY(reset_inherited_attributes(process));
    if (::setsid() < 0)
        return fail_errno("make session");
    NACRE_TRY(pipes.take_standard());
    NACRE_TRY(join_new_keyring(plan.id));
    NACRE_TRY(enter_namespaces(plan));
    NACRE_TRY(execution.compile_filter(plan.spec.linux.seccomp));
    NACRE_TRY(build_root(plan, mounts, channel));
    if (plan.spec.linux.personality)
        NACRE_TRY(set_personality(*plan.spec.linux.personality));
    NACRE_TRY(take_passed_descriptors(channel, pipes));
    return execution.prepare();
}

void close_agents_descriptors(const InitPlan& plan, const ShareMounts& mounts, const SetupChild& channel,
                              const ChildPipes& pipes) {
    std::vector<int> keep = pipes.descriptors();
    keep.push_back(channel.fd());
    keep.push_back(mounts.root.get());
    for (const auto& [index, tree] : mounts.sources)
        keep.push_back(tree.get());
    for (const auto& [type, joined] : plan.joined)
        keep.push_back(joined.get());
    close_other_descriptors(keep);
}

/// What only the VM's root may do comes first.
Result<pid_t> clone_among_others(const InitPlan& plan) {
    const auto& process = *plan.spec.process;
    NACRE_TRY(reset_inherited_attributes(process));
    NACRE_TRY(allow_rlimits(0, process.rlimits));
    NACRE_TRY(enter_joined(plan.joined));
    if (plan.joined.contains(oci::NamespaceType::user))
        NACRE_TRY(become_namespace_root());
    return clone_process(clone_flags(plan.spec.linux, plan.member) | CLONE_PARENT, -1);
}

}  // namespace

void run_joining_process(const InitPlan& plan, const ShareMounts& mounts, SetupChild channel,
                         ChildPipes pipes) {
    forbid_inspection();
    close_agents_descriptors(plan, mounts, channel, pipes);
    const auto pid = clone_among_others(plan);
    if (pid && *pid == 0)
        run_init_process(plan, mounts, std::move(channel), std::move(pipes));
    const auto told = pid ? channel.send_pid(*pid) : tl::unexpected(pid.error());
    if (!told)
        channel.failed(told.error());
    ::_exit(0);
}

void run_init_process(const InitPlan& plan, const ShareMounts& mounts, SetupChild channel, ChildPipes pipes) {
    forbid_inspection();
    close_agents_descriptors(plan, mounts, channel, pipes);
    Execution execution(*plan.spec.process);
    auto ready = set_up(plan, mounts, channel, pipes, execution);
    forbid_inspection();
    if (ready)
        ready = channel.created();
    if (!ready) {
        channel.failed(ready.error());
        ::_exit(1);
    }
    finish_set_up(channel, execution);
}

}  // namespace nacre::agent
