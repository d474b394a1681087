#include "runtime/container/events.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "runtime/container/statistics.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int answer_timeout_ms = 10'000;
constexpr std::chrono::seconds record_timeout(3);

Result<ContainerState> open_running(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto directory, store.open(id));
    NACRE_ASSIGN(auto state, directory.read());
    const auto status = current_status(state);
    if (status == Status::stopped || status == Status::creating)
        return fail("container with id {} is not running", id);
    return state;
}

/// The guest sees no block devices of the host: what its VM has done to them is in the host's cgroup (v2
/// only).
void use_host_block_io(const ContainerState& state, std::vector<protocol::CgroupFile>& files) {
    constexpr std::size_t max_bytes = 64 * 1024;
    std::erase_if(files, [](const auto& file) { return file.name == "io.stat"; });
    for (const auto& directory : state.cgroup_paths) {
        if (auto content = read_file(directory + "/io.stat", max_bytes))
            files.push_back({"io.stat", std::move(*content)});
    }
}

Result<std::string> read_statistics(const ContainerState& state) {
    NACRE_ASSIGN(auto answer,
                 call_agent(state.vm_directory, protocol::ReadCgroup{state.id}, answer_timeout_ms));
    auto* figures = std::get_if<protocol::CgroupFiles>(&answer);
    if (figures == nullptr)
        return fail("read statistics: the guest agent gave an answer that was not asked for");
    use_host_block_io(state, figures->files);
    return stats_event(state.id, figures->files);
}

/// Whether `fd` is ready before `deadline`.
Result<bool> wait_until(int fd, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{fd, POLLIN, 0};
        const int ready = ::poll(&entry, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready >= 0)
            return ready > 0;
        if (errno != EINTR)
            return fail_errno("wait for events");
    }
}

Result<void> report_statistics(const ContainerState& state, const OnEvent& on_event) {
    const auto line = read_statistics(state);
    return line ? on_event(*line) : Result<void>();
}

/// A VM that the host's kernel killed for want of memory could not tell; its relay has recorded it by now, or
/// soon.
Result<void> report_end(const Store& store, const std::string& id, const OnEvent& on_event) {
    const auto deadline = Clock::now() + record_timeout;
    for (;;) {
        const auto directory = store.open(id);
        const auto state = directory ? directory->read() : tl::unexpected(directory.error());
        if (!state)
            return {};
        if (state->exit)
            return state->exit->out_of_memory ? on_event(oom_event(id)) : Result<void>();
        if (Clock::now() >= deadline)
            return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

}  // namespace

Result<std::string> statistics(const Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto state, open_running(store, id));
    return read_statistics(state);
}

Result<void> follow_events(const Store& store, const std::string& id, int interval_ms,
                           const OnEvent& on_event) {
    NACRE_ASSIGN(const auto state, open_running(store, id));
    NACRE_ASSIGN(auto watch,
                 AgentConnection::connect(state.vm_directory, protocol::control_port, answer_timeout_ms));
    NACRE_TRY(watch.call(protocol::WatchContainer{id}, answer_timeout_ms));
    const auto interval = std::chrono::milliseconds(interval_ms);
    bool told = false;  // of an OOM kill
    for (auto next = Clock::now() + interval;;) {
        NACRE_ASSIGN(const bool ready, wait_until(watch.fd(), next));
        if (!ready) {
            NACRE_TRY(report_statistics(state, on_event));
            next += interval;
            continue;
        }
        const auto message = watch.receive(answer_timeout_ms);
        if (!message)
            return told ? Result<void>() : report_end(store, id, on_event);
        if (std::holds_alternative<protocol::OutOfMemory>(*message)) {
            told = true;
            NACRE_TRY(on_event(oom_event(id)));
        }
    }
}

}  // namespace nacre::runtime
