#include "guest-agent/container/container.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/device_filter.h"
#include "guest-agent/container/exec_process.h"
#include "guest-agent/container/hook_process.h"
#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/namespaces.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/rlimits.h"
#include "guest-agent/container/share_mounts.h"
#include "guest-agent/container/user_namespace.h"
#include "vmm/base/pidfd.h"

namespace nacre::agent {

namespace {

constexpr int killed_status = 128 + SIGKILL;

/// In which the sockets' directories are made.
constexpr const char* sockets_parent = "/run/nacre";

/// The child never comes back from here.
Result<pid_t> clone_init(const InitPlan& plan, const ShareMounts& mounts, int cgroup, SetupChild channel,
                         ChildPipes pipes) {
    const bool joins = !plan.joined.empty();
    NACRE_ASSIGN(const auto pid,
                 clone_process(joins ? 0 : clone_flags(plan.spec.linux, plan.member), cgroup));
    if (pid != 0)
        return pid;
    if (joins)
        run_joining_process(plan, mounts, std::move(channel), std::move(pipes));
    else
        run_init_process(plan, mounts, std::move(channel), std::move(pipes));
}

Result<pid_t> clone_exec(const ExecPlan& plan, int cgroup, SetupChild channel, ChildPipes pipes) {
    NACRE_ASSIGN(const auto pid, clone_process(0, cgroup));
    if (pid == 0)
        run_exec_process(plan, std::move(channel), std::move(pipes));
    return pid;
}

Result<std::pair<ParentPipes, ChildPipes>> pipes_for(
    const oci::Process& process, const std::vector<protocol::PassedDescriptor>& descriptors,
    const std::vector<oci::IdMapping>& uid_mappings) {
    const auto owner = outer_id(uid_mappings, process.user.uid);
    if (!owner)
        return fail_with(EINVAL, "user {} is not mapped into the container's user namespace",
                         process.user.uid);
    std::pair<ParentPipes, ChildPipes> pipes;
    if (!process.terminal)
        NACRE_TRY(add_standard_pipes(*owner, pipes.first, pipes.second));
    NACRE_TRY(add_passed(descriptors, *owner, pipes.first, pipes.second));
    return pipes;
}

/// A user namespace's root manages groups of its own where it sees them as the top, writable (as runc has
/// it).
bool manages_cgroups(const oci::Spec& spec) {
    const auto* space = spec.linux.find_namespace(oci::NamespaceType::cgroup);
    return space != nullptr && space->path.empty() &&
           std::ranges::any_of(spec.mounts, [](const oci::Mount& mount) {
               const bool cgroup = mount.type == "cgroup" || mount.type == "cgroup2";
               return cgroup && (parse_mount_options(mount.options).set & MOUNT_ATTR_RDONLY) == 0;
           });
}

/// What only the VM's root may give to a process in a user namespace, which waits for it.
Result<void> complete_user_namespace(pid_t pid, const oci::Spec& spec, SetupParent& channel) {
    NACRE_TRY(write_id_maps(pid, spec.linux));
    NACRE_TRY(allow_rlimits(pid, spec.process->rlimits));
    NACRE_TRY(set_oom_score_adj(pid, spec.process->oom_score_adj.value_or(0)));
    return channel.start();
}

/// Those who are still there; by value, since one that closes may end the container.
template <class Function>
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void for_each_watcher(std::vector<std::weak_ptr<ControlConnection>> watchers, const Function& function) {
    for (const auto& watcher : watchers) {
        if (const auto connection = watcher.lock())
            function(*connection);
    }
}

}  // namespace

Container::Container(EventLoop& loop, Cgroup cgroup, const InitPlan& plan, Events events)
    : loop_(loop),
      cgroup_(std::move(cgroup)),
      freezer_(loop, cgroup_),
      id_(plan.id),
      seccomp_(plan.spec.linux.seccomp),
      personality_(plan.spec.linux.personality),
      process_(*plan.spec.process),
      user_namespace_(has_user_namespace(plan.spec.linux) || plan.joined.contains(oci::NamespaceType::user)),
      uid_mappings_(user_namespace_ ? plan.spec.linux.uid_mappings : std::vector<oci::IdMapping>()),
      hooks_(plan.spec.hooks),
      translations_(plan.translations),
      share_places_(agent::share_places(plan.share, plan.rootfs, plan.sources)),
      events_(std::move(events)) {}

Container::~Container() {
    close_watchers();
    cgroup_.kill_all();
    if (memory_events_)
        loop_.remove(memory_events_.get());
    (void)cgroup_.remove();
}

Result<std::unique_ptr<Container>> Container::create(EventLoop& loop, const std::string& cgroup_root,
                                                     const InitPlan& plan, Events events) {
    NACRE_ASSIGN(auto cgroup, Cgroup::create(cgroup_root, plan.id));
    auto created = std::move(events.created);
    std::unique_ptr<Container> container(new Container(loop, std::move(cgroup), plan, std::move(events)));
    const auto resources = plan.spec.linux.resources.value_or(oci::Resources{});
    NACRE_TRY(container->cgroup_.apply(resources));
    NACRE_TRY(container->limit_devices(resources.devices));
    NACRE_TRY(container->watch_memory_events());
    NACRE_ASSIGN(auto pipes, pipes_for(*plan.spec.process, plan.descriptors, container->uid_mappings_));
    NACRE_ASSIGN(auto channel, make_setup_channel());
    NACRE_ASSIGN(auto mounts, clone_share_mounts(plan.share, plan.rootfs, plan.sources, plan.spec.mounts));
    NACRE_TRY(mount_disks(plan.disks, plan.spec, mounts));
    NACRE_TRY(container->make_notify_socket(plan, mounts));
    NACRE_ASSIGN(const auto pid, clone_init(plan, mounts, container->cgroup_.fd(), std::move(channel.second),
                                            std::move(pipes.second)));
    if (const auto owner = outer_id(container->uid_mappings_, 0);
        container->user_namespace_ && owner && manages_cgroups(plan.spec))
        NACRE_TRY(container->cgroup_.delegate_to(*owner));
    if (has_user_namespace(plan.spec.linux))
        NACRE_TRY(complete_user_namespace(pid, plan.spec, channel.first));
    NACRE_ASSIGN(container->init_, Process::watch(loop, pid, std::move(channel.first), std::move(pipes.first),
                                                  std::move(created), [raw = container.get()](int status) {
                                                      raw->on_init_finished(status);
                                                  }));
    return container;
}

Result<void> Container::exec(const protocol::ExecProcess& request, oci::Process process,
                             Process::Answer created, Process::OnFinished finished) {
    const auto& name = request.name.exec;
    if (init_->is_gone() || !init_->is_set_up())
        return fail("cannot exec in a container that is not running");
    if (execs_.contains(name))
        return tl::unexpected(Error{fmt::format("process \"{}\" already exists", name), EEXIST});
    NACRE_ASSIGN(const auto init, open_pidfd(init_->pid()));
    NACRE_ASSIGN(const auto group, cgroup_.open_for_process(request.cgroup, init_->pid()));
    NACRE_ASSIGN(auto pipes, pipes_for(process, request.descriptors, uid_mappings_));
    NACRE_ASSIGN(auto channel, make_setup_channel());
    const ExecPlan plan{id_,          init.get(),      std::move(process),      seccomp_,
                        personality_, user_namespace_, request.callers_terminal};
    const auto pid = clone_exec(plan, group.get(), std::move(channel.second), std::move(pipes.second));
    // EBUSY: the container has divided this group, and only groups below it may have processes.
    if (!pid && pid.error().code == EBUSY)
        return cannot_join(request.cgroup, EBUSY);
    if (!pid)
        return tl::unexpected(pid.error());
    NACRE_ASSIGN(execs_[name], Process::watch(loop_, *pid, std::move(channel.first), std::move(pipes.first),
                                              std::move(created), std::move(finished)));
    return {};
}

Result<void> Container::run_hooks(const std::string& stage, const std::string& state, Process::Answer done) {
    if (init_->is_gone() || !init_->is_set_up())
        return fail("cannot run {} hooks in a container that is not created", stage);
    const auto name = "hooks/" + stage;  // no exec'd process can be called so
    if (execs_.contains(name))
        return fail("the {} hooks are running already", stage);
    NACRE_ASSIGN(const auto init, open_pidfd(init_->pid()));
    NACRE_ASSIGN(auto channel, make_setup_channel());
    const bool start = stage == "startContainer";
    const HookPlan plan{.init = init.get(),
                        .own_user = start,
                        .process = process_,
                        .seccomp = start ? seccomp_ : std::nullopt,
                        .hooks = start ? hooks_.start_container : hooks_.create_container,
                        .stage = stage,
                        .state = state,
                        .user_namespace = user_namespace_};
    NACRE_ASSIGN(const auto pid, clone_process(0, cgroup_.fd()));
    if (pid == 0)
        run_hook_process(plan, std::move(channel.second));
    NACRE_ASSIGN(execs_[name], Process::watch(loop_, pid, std::move(channel.first), {}, std::move(done),
                                              [this, name](int) { forget_exec(name); }));
    return {};
}

Process* Container::find_exec(const std::string& name) {
    const auto found = execs_.find(name);
    return found == execs_.end() ? nullptr : found->second.get();
}

void Container::forget_exec(const std::string& name) {
    const auto found = execs_.find(name);
    if (found == execs_.end())
        return;
    // Later: the process may be the caller.
    std::shared_ptr<Process> removed(std::move(found->second));
    execs_.erase(found);
    loop_.post([removed] {});
}

Process* Container::find_by_pid(pid_t pid) {
    const auto is_it = [pid](Process& process) {
        // An exec'd process tells its pid in a report, which may not have been read yet.
        process.read_reports();
        return process.pid() == pid && !process.is_gone();
    };
    if (is_it(*init_))
        return init_.get();
    for (const auto& [name, process] : execs_) {
        if (is_it(*process))
            return process.get();
    }
    return nullptr;
}

Result<void> Container::update(const oci::Resources& resources) {
    NACRE_TRY(cgroup_.apply(resources));
    return resources.devices.empty() ? Result<void>() : limit_devices(resources.devices);
}

/// The new rules stand before the old ones go: at no time is everything allowed.
Result<void> Container::limit_devices(const std::vector<oci::DeviceRule>& rules) {
    NACRE_ASSIGN(auto filter,
                 attach_device_filter(cgroup_.fd(), translate_rules(rules, translations_, disk_major())));
    if (device_filter_)
        NACRE_TRY(detach_device_filter(cgroup_.fd(), device_filter_.get()));
    device_filter_ = std::move(filter);
    return {};
}

Result<void> Container::watch_memory_events() {
    auto events = cgroup_.open_memory_events();
    // A kernel without the memory controller has no such events.
    if (!events)
        return {};
    memory_events_ = std::move(*events);
    return loop_.add(memory_events_.get(), EPOLLPRI, [this](std::uint32_t) { check_memory_events(); });
}

void Container::check_memory_events() {
    const auto kills = read_oom_kills(memory_events_.get());
    if (kills > oom_kills_) {
        events_.out_of_memory();
        for_each_watcher(watchers_,
                         [](ControlConnection& watcher) { watcher.send(protocol::OutOfMemory{}); });
    }
    oom_kills_ = kills;
}

void Container::add_watcher(Watchers& watchers, const std::shared_ptr<ControlConnection>& watcher) {
    std::erase_if(watchers, [](const auto& earlier) { return earlier.expired(); });
    watchers.push_back(watcher);
}

Result<void> Container::make_notify_socket(const InitPlan& plan, ShareMounts& mounts) {
    if (!plan.notify_socket)
        return {};
    NACRE_ASSIGN(notify_socket_, NotifySocket::create(loop_, sockets_parent,
                                                      [this](const std::string& text) { pass_on(text); }));
    NACRE_ASSIGN(auto socket, notify_socket_->mount());
    mounts.sources.emplace(plan.spec.mounts.size() - 1, std::move(socket));
    return {};
}

Result<void> Container::add_notification_watcher(const std::shared_ptr<ControlConnection>& watcher) {
    if (!notify_socket_)
        return fail("container {} was created without NOTIFY_SOCKET", id_);
    add_watcher(notification_watchers_, watcher);
    return {};
}

/// A watcher that is behind with what it was sent loses messages: a container may send any number.
void Container::pass_on(const std::string& notification) {
    for_each_watcher(notification_watchers_, [&](ControlConnection& watcher) {
        if (!watcher.is_behind())
            watcher.send(protocol::Notification{notification});
    });
}

Result<void> Container::want_names() {
    NACRE_ASSIGN(name_sockets_, open_name_sockets(init_->pid()));
    events_.names_wanted();
    return {};
}

/// A relay that is behind with what it was sent loses questions: a container may ask any number.
Result<void> Container::serve_names(const std::shared_ptr<ControlConnection>& relay) {
    if (!name_sockets_)
        return fail("container {} has no name server to serve", id_);
    NACRE_ASSIGN(name_server_,
                 NameServer::start(loop_, *std::exchange(name_sockets_, std::nullopt),
                                   [weak = std::weak_ptr(relay)](const protocol::NameQuestion& question) {
                                       const auto asked = weak.lock();
                                       if (!asked || !asked->is_open() || asked->is_behind())
                                           return false;
                                       asked->send(question);
                                       return true;
                                   }));
    return {};
}

void Container::answer_name(const protocol::NameAnswer& answer) {
    if (name_server_)
        name_server_->answer(answer.number, answer.message);
}

void Container::close_watchers() {
    auto all = std::exchange(watchers_, {});
    all.insert(all.end(), notification_watchers_.begin(), notification_watchers_.end());
    notification_watchers_.clear();
    for_each_watcher(std::move(all), [](ControlConnection& watcher) { watcher.close(); });
}

void Container::on_init_finished(int status) {
    // A container without a pid namespace of its own has processes left; they end with the first.
    cgroup_.kill_all();
    if (memory_events_)
        check_memory_events();
    if (notify_socket_)
        notify_socket_->drain();
    close_watchers();
    finished_ = true;
    events_.finished(status, status == killed_status && oom_kills_ > 0);
}

}  // namespace nacre::agent
