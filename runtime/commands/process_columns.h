#pragma once

#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/result.h"

namespace nacre::commands {

/// A column of ps(1)'s output.
struct ProcessColumn {
    std::string header;
    std::size_t width = 0;  // at least
    bool right = false;     // aligned
    std::string (*text)(const protocol::GuestProcess& process, std::time_t now) = nullptr;
};

/// The columns that options of ps(1) ask for: none or -e and -f as in "-ef", "-o LIST" as in "-o
/// pid,comm=NAME". Options that choose processes have no effect; others are an error, and so are columns
/// without the pid (runc's words).
Result<std::vector<ProcessColumn>> process_columns(std::span<const std::string> options);

/// The table with a line of headers. `now`: of the clock of this host.
std::string process_table(const std::vector<protocol::GuestProcess>& processes,
                          const std::vector<ProcessColumn>& columns, std::time_t now);

}  // namespace nacre::commands
