#pragma once

namespace nacre::agent {

/// Whether BPF programs loaded from now on are compiled (net.core.bpf_jit_enable, Documentation/admin-guide/sysctl/net.rst).
/// The first one that is takes 2 MiB of memory, all of it written to (alloc_new_pack in the kernel's bpf/core.c), and so costs
/// more than the rest of a container's creation. A kernel without the choice keeps its own.
void use_bpf_jit(bool on);

}  // namespace nacre::agent
