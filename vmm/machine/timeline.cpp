#include "vmm/machine/timeline.h"

#include <time.h>

namespace nacre::machine {

std::string_view phase_name(Phase phase) {
    constexpr std::array<std::string_view, kPhases> kNames = {
        "process_start",   "config_read",       "vm_made", "kernel_loaded", "first_run", "agent_started",
        "agent_connected", "container_started", "end"};
    return kNames[static_cast<std::size_t>(phase)];
}

void Timeline::mark(Phase phase) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto nanoseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    std::uint64_t never = 0;
    times_[static_cast<std::size_t>(phase)].compare_exchange_strong(never, nanoseconds);
}

std::uint64_t Timeline::get(Phase phase) const {
    return times_[static_cast<std::size_t>(phase)].load();
}

}  // namespace nacre::machine
