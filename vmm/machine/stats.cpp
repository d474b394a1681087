#include "vmm/machine/stats.h"

#include "vmm/base/file.h"

namespace nacre::machine {
namespace {

std::string join(const std::vector<std::string>& members) {
    return fmt::format("{{{}}}", fmt::join(members, ","));
}

std::string phases(const Timeline& timeline) {
    std::vector<std::string> members;
    for (std::size_t i = 0; i < kPhases; ++i)
        members.push_back(
            fmt::format("\"{}\":{}", phase_name(static_cast<Phase>(i)), timeline.get(static_cast<Phase>(i))));
    return join(members);
}

std::string exits(const std::vector<std::unique_ptr<VcpuThread>>& vcpus) {
    std::vector<std::string> members;
    for (std::size_t i = 0; i < kExitKinds; ++i) {
        const auto kind = static_cast<ExitKind>(i);
        std::uint64_t sum = 0;
        for (const auto& vcpu : vcpus)
            sum += vcpu->exits().get(kind);
        members.push_back(fmt::format("\"{}\":{}", exit_kind_name(kind), sum));
    }
    return join(members);
}

}  // namespace

Result<void> write_stats(int fd, const Timeline& timeline,
                         const std::vector<std::unique_ptr<VcpuThread>>& vcpus) {
    return write_all(fd, fmt::format("{{\"phases_ns\":{},\"exits\":{}}}\n", phases(timeline), exits(vcpus)));
}

}  // namespace nacre::machine
