#pragma once

#include <sys/types.h>

#include <string_view>

#include "guest-agent/protocol/messages.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// What /proc says of the processes in the pid namespace of `init`, a child of the caller that was not
/// reaped: the first ones whose pids there are above `after`, as many as fit into a frame. Blocks until a
/// helper process, born in that namespace, has mounted its /proc (a few system calls; seconds at most). Only
/// for a process with one thread.
Result<protocol::ProcFiles> read_proc_files(pid_t init, std::uint32_t after);

/// The same from a mounted procfs: `proc` is its root directory.
Result<protocol::ProcFiles> read_proc_files_in(int proc, std::uint32_t after);

/// The number after "btime" in the text of /proc/stat (proc(5)); 0 if there is none.
std::uint32_t boot_time_in(std::string_view stat);

}  // namespace nacre::agent
