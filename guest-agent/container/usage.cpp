#include "guest-agent/container/usage.h"

namespace nacre::agent {

std::vector<protocol::CgroupFile> read_figures(const Cgroup& cgroup) {
    constexpr std::size_t max_bytes = 64 * 1024;
    std::vector<protocol::CgroupFile> files;
    for (const char* name :
         {"cpu.stat", "memory.current", "memory.peak", "memory.max", "memory.swap.current", "memory.swap.max",
          "memory.stat", "pids.current", "pids.max", "io.stat", "hugetlb.2MB.current", "hugetlb.2MB.events",
          "hugetlb.1GB.current", "hugetlb.1GB.events"}) {
        if (auto content = cgroup.read(name, max_bytes))
            files.push_back({name, std::move(*content)});
    }
    return files;
}

}  // namespace nacre::agent
