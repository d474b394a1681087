#pragma once

#include "guest-agent/protocol/messages.h"
#include "vmm/base/result.h"

/// Directories of plain files that look like a procfs, for programs that read one (`podman top`).
namespace nacre::runtime {

/// No more than this many processes are shown: what a guest says takes a bounded amount of memory.
constexpr std::size_t max_shown_processes = 1024;

/// Makes the directory `tree` show these processes and no others: <pid>/{stat,status,cmdline,attr/current}
/// and the link ns/pid, and `stat` with the boot time. A file that is there is replaced at once, so that a
/// reader sees the old text or the new. `files` comes from the guest: sizes are cut, and it names nothing.
Result<void> show_processes(int tree, const protocol::ProcFiles& files);

/// Makes the directory `terminals` hold a device node for each pseudo terminal of the guest that is a
/// process's controlling terminal, as its /dev/pts does. Nobody opens them: its mount is nodev.
Result<void> show_terminals(int terminals, const protocol::ProcFiles& files);

/// Removes all that is in there.
void clear_tree(int tree);

}  // namespace nacre::runtime
