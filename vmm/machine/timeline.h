#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace nacre::machine {

/// The steps of a VM's life that the benchmark shows.
enum class Phase {
    process_start,
    config_read,
    vm_made,
    kernel_loaded,
    first_run,
    agent_started,
    agent_connected,
    container_started,
    end
};
constexpr std::size_t kPhases = 9;

std::string_view phase_name(Phase phase);

/// When each phase was reached first: nanoseconds of CLOCK_MONOTONIC, 0 for never. Safe from any thread.
class Timeline {
  public:
    void mark(Phase phase);
    std::uint64_t get(Phase phase) const;

  private:
    std::array<std::atomic<std::uint64_t>, kPhases> times_{};
};

}  // namespace nacre::machine
