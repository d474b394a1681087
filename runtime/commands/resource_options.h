#pragma once

#include <array>
#include <string>

#include "runtime/cli/option_parser.h"

namespace nacre::commands {

/// The options of `update` that change one limit each.
constexpr std::array<cli::Option, 14> resource_options{{
    {"memory", 'm', "BYTES", "limit of memory; -1: none"},
    {"memory-reservation", 0, "BYTES", "memory that is not taken from the container"},
    {"memory-swap", 0, "BYTES", "limit of memory and swap together; -1: none"},
    {"cpu-period", 0, "MICROSECONDS", "the period of the CPU quota"},
    {"cpu-quota", 0, "MICROSECONDS", "CPU time in a period; -1: no limit"},
    {"cpu-burst", 0, "MICROSECONDS", "unused CPU time that may be used later"},
    {"cpu-share", 0, "NUMBER", "weight against other containers, from 2 to 262144"},
    {"cpu-idle", 0, "0|1", "1: runs only when nothing else wants to"},
    {"cpu-rt-period", 0, "MICROSECONDS", "realtime CPU period (refused: cgroup v2 has none)"},
    {"cpu-rt-runtime", 0, "MICROSECONDS", "realtime CPU time (refused: cgroup v2 has none)"},
    {"cpuset-cpus", 0, "LIST", "the CPUs to use: 0-3,7"},
    {"cpuset-mems", 0, "LIST", "the memory nodes to use"},
    {"pids-limit", 0, "NUMBER", "most processes; -1: no limit"},
    {"blkio-weight", 0, "NUMBER", "weight of block I/O, from 10 to 1000"},
}};

/// What these options ask for, as linux.resources in JSON. Errors are runc's: "invalid value for cpu-quota:
/// …".
Result<std::string> resources_of(const cli::ParsedOptions& given);

}  // namespace nacre::commands
