#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "guest-agent/boot.h"
#include "guest-agent/bpf_jit.h"
#include "guest-agent/serve.h"
#include "guest-agent/vsock.h"
#include "vmm/base/log.h"

namespace {

using namespace nacre;

Result<agent::Endpoints> open_endpoints() {
    agent::Endpoints endpoints;
    NACRE_ASSIGN(endpoints.control, agent::listen_vsock(protocol::control_port));
    NACRE_ASSIGN(endpoints.streams, agent::listen_vsock(protocol::stream_port));
    NACRE_ASSIGN(endpoints.channel, agent::connect_to_host(protocol::host_channel_port));
    endpoints.admits = agent::is_host;
    return endpoints;
}

agent::Environment vm_environment() {
    return {std::string(protocol::share_mount_point),
            agent::mount_share,
            "/sys",
            "/sys/fs/cgroup",
            [] {
                agent::power_off();
                // Not reached. PID 1's end is a kernel panic: the host sees a crash, never a hang.
                std::_Exit(EXIT_FAILURE);
            },
            [] {
                agent::tell_phase(agent::BootPhase::container_started);
                agent::use_bpf_jit(true);
            }};
}

Result<void> run() {
    agent::tell_phase(agent::BootPhase::agent_started);
    NACRE_TRY(agent::boot());
    NACRE_ASSIGN(const auto loop, EventLoop::create());
    agent::Agent agent(*loop, vm_environment());
    NACRE_ASSIGN(auto endpoints, open_endpoints());
    return agent::serve(*loop, agent, std::move(endpoints));
}

}  // namespace

int main() {
    constexpr std::uint64_t max_log_bytes = 64 * 1024;
    agent::fill_standard_descriptors();
    nacre::Log log(STDERR_FILENO, nacre::LogLevel::info, max_log_bytes);
    if (::getpid() != 1) {
        log.write(nacre::LogLevel::error, "nacre-agent is the first process of a nacre virtual machine");
        return EXIT_FAILURE;
    }
    // The end of PID 1 is a kernel panic; the console then holds this line before it.
    if (const auto served = run(); !served)
        log.write(nacre::LogLevel::error, "{}", served.error().message);
    return EXIT_FAILURE;
}
