#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guest-agent/protocol/messages.h"

namespace nacre::agent {

/// What /proc says of these processes; those that are gone meanwhile do not count. At most 4096, with at most
/// 256 bytes of each command line: a workload does not decide how long the answer is.
protocol::Processes describe_processes(const std::vector<pid_t>& pids);

/// What the numbers in /proc/<pid>/stat are to be compared with.
struct ProcessClock {
    long ticks_per_second = 1;
    std::uint64_t uptime_seconds = 0;
};

/// A process from the text of /proc/<pid>/stat (proc(5)) and /proc/<pid>/cmdline. The name in stat is the
/// workload's to choose and may hold blanks and brackets. None if the text is not of that form.
std::optional<protocol::GuestProcess> parse_process_stat(std::string_view stat, std::string_view cmdline,
                                                         const ProcessClock& clock);

/// The name of a terminal from field tty_nr of /proc/<pid>/stat: "pts/3"; "?" for none, or one that is no
/// pseudo terminal.
std::string terminal_name(std::int32_t device);

}  // namespace nacre::agent
