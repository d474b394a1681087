#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guest-agent/container/container.h"
#include "guest-agent/environment.h"
#include "guest-agent/network/port_connections.h"
#include "guest-agent/protocol/messages.h"
#include "vmm/base/event_loop.h"

namespace nacre::agent {

/// The containers of this VM. requests.h acts on it. Belongs to the loop's thread.
class Agent {
  public:
    Agent(EventLoop& loop, Environment environment) : loop_(loop), environment_(std::move(environment)) {}
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    EventLoop& loop() { return loop_; }
    PortConnections& port_connections() { return port_connections_; }
    const Environment& environment() const { return environment_; }

    /// The container or process of that name, or an error for the host.
    Result<Container*> find_container(const std::string& id);
    Result<Process*> find_process(const protocol::ProcessName& name);

    /// Makes a container; an error if the id is in use.
    Result<void> create_container(const InitPlan& plan, Container::Events events);

    /// Forgets a container, killing what is left of it. Nothing happens if there is none.
    void remove_container(const std::string& id);

    /// Reaps every child that has ended and tells its container. To be called on SIGCHLD.
    void reap_children();

    /// Ends the VM: file systems synced, power off.
    void power_off();

    /// The VM ends when nobody uses it any more, that is when each container that was to be made in it has
    /// ended and its owner has gone; unless it was told to stay.
    void use(const std::string& id) { users_.insert(id); }
    void stop_using(const std::string& id);
    void stay() { stays_ = true; }

    /// Whether the VM goes on without that container.
    bool stays_without(const std::string& id) const;

  private:
    Process* find_by_pid(pid_t pid);
    void unmount_unused(std::vector<std::string> places) const;

    EventLoop& loop_;
    Environment environment_;
    PortConnections port_connections_{loop_};
    std::map<std::string, std::unique_ptr<Container>> containers_;
    std::multiset<std::string> users_;
    bool stays_ = false;
};

}  // namespace nacre::agent
