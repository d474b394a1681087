#pragma once

#include <string>
#include <vector>

#include "guest-agent/protocol/messages.h"

namespace nacre::runtime {

/// The line of `events` for the files of a cgroup v2: {"type":"stats","id":…,"data":{…}} in runc's form, with
/// its conversions (swap counts memory too; a limit of "max" is 2^64 - 1; no limit of pids is left out). The
/// files come from a guest: what is not as the kernel writes it counts as 0 or is left out. What cgroup v2
/// has no figures for is there with zeroes, as with runc.
std::string stats_event(const std::string& id, const std::vector<protocol::CgroupFile>& files);

/// {"type":"oom","id":…}: a process was killed for want of memory.
std::string oom_event(const std::string& id);

}  // namespace nacre::runtime
