#include "guest-agent/bpf_jit.h"

#include <fcntl.h>

#include <string>

#include "vmm/base/file.h"

namespace nacre::agent {

void use_bpf_jit(bool on) {
    if (const auto file = open_file("/proc/sys/net/core/bpf_jit_enable", O_WRONLY))
        (void)write_all(file->get(), std::string(on ? "1" : "0"));
}

}  // namespace nacre::agent
