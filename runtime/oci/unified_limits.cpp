#include "runtime/oci/unified_limits.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace nacre::oci {

namespace {

/// A number, or -1 for "max".
std::optional<std::int64_t> limit_of(std::string_view text) {
    if (text == "max")
        return -1;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0)
        return std::nullopt;
    return value;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \n");
    return first == std::string_view::npos ? ""
                                           : text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

void set_memory(std::string_view text, Resources& resources) {
    const auto limit = limit_of(text);
    if (!limit)
        return;
    if (!resources.memory)
        resources.memory.emplace();
    resources.memory->limit = limit;
}

/// "QUOTA", "QUOTA PERIOD", "max PERIOD".
void set_cpu(std::string_view text, CpuResources& cpu) {
    const auto space = std::min(text.find(' '), text.size());
    const auto quota = limit_of(text.substr(0, space));
    const auto period = limit_of(trimmed(text.substr(space)));
    if (quota)
        cpu.quota = quota;
    if (quota && period.value_or(0) > 0)
        cpu.period = static_cast<std::uint64_t>(*period);
}

}  // namespace

Resources with_unified_limits(Resources resources) {
    for (const auto& [file, content] : resources.unified) {
        const auto value = trimmed(content);
        if (file == "memory.max")
            set_memory(value, resources);
        if (const auto limit = limit_of(value); file == "pids.max" && limit)
            resources.pids_limit = limit;
        if (file != "cpu.max" && file != "cpuset.cpus" && file != "cpuset.mems")
            continue;
        if (!resources.cpu)
            resources.cpu.emplace();
        if (file == "cpu.max")
            set_cpu(value, *resources.cpu);
        else if (file == "cpuset.cpus")
            resources.cpu->cpus = value;
        else if (file == "cpuset.mems")
            resources.cpu->mems = value;
    }
    return resources;
}

bool names_device(std::string_view file, std::string_view value) {
    return file.starts_with("io.") && value.find(':') != std::string_view::npos;
}

}  // namespace nacre::oci
