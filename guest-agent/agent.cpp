#include "guest-agent/agent.h"

#include <sys/wait.h>
#include <unistd.h>

#include "guest-agent/container/share_mounts.h"

namespace nacre::agent {

Result<Container*> Agent::find_container(const std::string& id) {
    const auto found = containers_.find(id);
    if (found == containers_.end())
        return tl::unexpected(Error{fmt::format("container \"{}\" does not exist", id), ENOENT});
    return found->second.get();
}

Result<Process*> Agent::find_process(const protocol::ProcessName& name) {
    NACRE_ASSIGN(auto* container, find_container(name.container));
    if (name.exec.empty())
        return &container->init();
    auto* process = container->find_exec(name.exec);
    if (process == nullptr)
        return tl::unexpected(Error{fmt::format("process \"{}\" does not exist", name.exec), ENOENT});
    return process;
}

Result<void> Agent::create_container(const InitPlan& plan, Container::Events events) {
    if (containers_.contains(plan.id))
        return tl::unexpected(Error{"container with given ID already exists", EEXIST});
    if (!plan.rootfs.empty() || !plan.sources.empty())
        NACRE_TRY(environment_.mount_share());
    NACRE_ASSIGN(containers_[plan.id],
                 Container::create(loop_, environment_.cgroup_root, plan, std::move(events)));
    return {};
}

void Agent::remove_container(const std::string& id) {
    const auto found = containers_.find(id);
    if (found == containers_.end())
        return;
    // Later: the request may come from one of the container's own events.
    std::shared_ptr<Container> removed(std::move(found->second));
    containers_.erase(found);
    unmount_unused(removed->share_places());
    loop_.post([removed] {});
}

/// What another container was made of as well stays mounted: the next one that asks for it must get the same file
/// system.
void Agent::unmount_unused(std::vector<std::string> places) const {
    for (const auto& [id, container] : containers_) {
        for (const auto& used : container->share_places())
            std::erase(places, used);
    }
    unmount_from_share(places);
}

void Agent::reap_children() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
        // Others are orphans of a container without a pid namespace: reaped, nobody asks.
        if (auto* process = find_by_pid(pid))
            process->reaped(status);
    }
}

Process* Agent::find_by_pid(pid_t pid) {
    for (const auto& [id, container] : containers_) {
        if (auto* process = container->find_by_pid(pid))
            return process;
    }
    return nullptr;
}

void Agent::stop_using(const std::string& id) {
    if (const auto user = users_.find(id); user != users_.end())
        users_.erase(user);
    if (users_.empty() && !stays_)
        power_off();
}

bool Agent::stays_without(const std::string& id) const {
    return stays_ || users_.size() > users_.count(id);
}

void Agent::power_off() {
    ::sync();
    environment_.power_off();
}

}  // namespace nacre::agent
