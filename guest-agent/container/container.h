#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guest-agent/container/cgroup.h"
#include "guest-agent/container/freezer.h"
#include "guest-agent/container/init_process.h"
#include "guest-agent/container/notify_socket.h"
#include "guest-agent/control_connection.h"
#include "guest-agent/network/name_server.h"
#include "guest-agent/process.h"

namespace nacre::agent {

/// A container of this VM: its cgroup and its first process. Belongs to the loop's thread.
class Container {
  public:
    /// What its owner is told.
    struct Events {
        Process::Answer created;
        std::function<void()> out_of_memory;  // a process of it was killed for want of memory
        std::function<void()> names_wanted;   // somebody is to serve_names()
        std::function<void(int status, bool out_of_memory)> finished;
    };

    /// Makes the cgroup and clones the first process, which sets itself up then: Events::created follows. On
    /// an error nothing is left.
    static Result<std::unique_ptr<Container>> create(EventLoop& loop, const std::string& cgroup_root,
                                                     const InitPlan& plan, Events events);
    Container(const Container&) = delete;
    Container& operator=(const Container&) = delete;

    /// Kills what is left of it and removes its cgroup.
    ~Container();

    /// Clones a process that sets itself up in this container as `request` says; `process` is what its text
    /// means. `created` and `finished` as in Process::watch.
    Result<void> exec(const protocol::ExecProcess& request, oci::Process process, Process::Answer created,
                      Process::OnFinished finished);

    /// Clones a process that runs the hooks of `stage` ("createContainer" or "startContainer") in this
    /// container; `done` when all have ended well or one has failed.
    Result<void> run_hooks(const std::string& stage, const std::string& state, Process::Answer done);

    Process& init() { return *init_; }

    /// The exec'd process of that name, or null.
    Process* find_exec(const std::string& name);
    void forget_exec(const std::string& name);

    /// The process of it, if any, whose pid is `pid` and that was not reaped yet.
    Process* find_by_pid(pid_t pid);
    const Cgroup& cgroup() const { return cgroup_; }

    /// Changes its limits; device rules are replaced if there are any in `resources`.
    Result<void> update(const oci::Resources& resources);

    Freezer& freezer() { return freezer_; }

    /// Who is told of what happens in it: OutOfMemory messages; closed when it has ended.
    void add_watcher(const std::shared_ptr<ControlConnection>& watcher) { add_watcher(watchers_, watcher); }

    /// Who is told what its processes send with sd_notify(3): Notification messages; closed when it has
    /// ended. An error if it has no socket for that.
    Result<void> add_notification_watcher(const std::shared_ptr<ControlConnection>& watcher);

    /// Has the sockets of a name server made in its network namespace: Events::names_wanted follows.
    Result<void> want_names();

    /// Passes what its processes ask a name server on to `relay`, once want_names() was called; and back.
    Result<void> serve_names(const std::shared_ptr<ControlConnection>& relay);
    void answer_name(const protocol::NameAnswer& answer);

    /// Where in the share the trees are that it was made of.
    const std::vector<std::string>& share_places() const { return share_places_; }

    /// Kills every process of it, at once.
    void kill_all() const { cgroup_.kill_all(); }

    /// Whether its first process is gone and Events::finished was called.
    bool is_finished() const { return finished_; }

  private:
    using Watchers = std::vector<std::weak_ptr<ControlConnection>>;

    Container(EventLoop& loop, Cgroup cgroup, const InitPlan& plan, Events events);
    Result<void> limit_devices(const std::vector<oci::DeviceRule>& rules);
    Result<void> watch_memory_events();
    void check_memory_events();
    void on_init_finished(int status);
    static void add_watcher(Watchers& watchers, const std::shared_ptr<ControlConnection>& watcher);
    Result<void> make_notify_socket(const InitPlan& plan, ShareMounts& mounts);
    void pass_on(const std::string& notification);
    void close_watchers();

    EventLoop& loop_;
    Cgroup cgroup_;
    Freezer freezer_;
    std::string id_;
    std::optional<oci::Seccomp> seccomp_;
    std::optional<oci::Personality> personality_;
    oci::Process process_;
    bool user_namespace_;
    std::vector<oci::IdMapping> uid_mappings_;
    oci::Hooks hooks_;
    std::vector<DeviceTranslation> translations_;
    std::vector<std::string> share_places_;
    Events events_;
    FileDescriptor device_filter_;
    FileDescriptor memory_events_;
    std::uint64_t oom_kills_ = 0;
    bool finished_ = false;
    std::unique_ptr<Process> init_;
    std::map<std::string, std::unique_ptr<Process>> execs_;
    Watchers watchers_;
    Watchers notification_watchers_;
    std::unique_ptr<NotifySocket> notify_socket_;
    std::optional<NameSockets> name_sockets_;  // until they are served
    std::unique_ptr<NameServer> name_server_;
};

}  // namespace nacre::agent
