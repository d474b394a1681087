#include "guest-agent/online_cpus.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// A CPU that can be switched: its file, "0\n" or "1\n".
struct Cpu {
    std::string file;
    bool online;
};

/// CPU 1 and those that follow, as far as there are any.
std::vector<Cpu> switchable_cpus(const std::string& sysfs) {
    constexpr std::size_t most = 4096;
    std::vector<Cpu> cpus;
    while (cpus.size() < most) {
        auto file = fmt::format("{}/devices/system/cpu/cpu{}/online", sysfs, cpus.size() + 1);
        const auto content = read_file(file, 16);
        if (!content)
            break;
        cpus.push_back({std::move(file), content->starts_with('1')});
    }
    return cpus;
}

/// What the kernel cannot do stays as it is, and is seen in the count.
void set_online(Cpu& cpu, bool online) {
    const auto file = open_file(cpu.file, O_WRONLY);
    if (file && write_all(file->get(), online ? "1" : "0"))
        cpu.online = online;
}

}  // namespace

std::uint32_t set_online_cpus(const std::string& sysfs, std::uint32_t at_least, std::uint32_t at_most) {
    auto cpus = switchable_cpus(sysfs);
    const auto count = [&cpus] {
        return static_cast<std::uint32_t>(1 + std::ranges::count(cpus, true, &Cpu::online));
    };
    for (auto cpu = cpus.begin(); cpu != cpus.end() && count() < at_least; ++cpu) {
        if (!cpu->online)
            set_online(*cpu, true);
    }
    for (auto cpu = cpus.rbegin(); cpu != cpus.rend() && count() > at_most; ++cpu) {
        if (cpu->online)
            set_online(*cpu, false);
    }
    return count();
}

}  // namespace nacre::agent
