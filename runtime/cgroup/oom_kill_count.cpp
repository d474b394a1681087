#include "runtime/cgroup/oom_kill_count.h"

#include <charconv>
#include <string_view>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::size_t max_bytes = 4096;

std::uint64_t count_in(std::string_view text) {
    constexpr std::string_view key = "oom_kill ";
    // At the beginning of a line: v1 has "oom_kill_disable", v2 "oom_group_kill" beside it.
    auto place = text.starts_with(key) ? 0 : text.find("\noom_kill ");
    if (place == std::string_view::npos)
        return 0;
    place += text[place] == '\n' ? 1 : 0;
    const auto digits = text.substr(place + key.size());
    std::uint64_t count = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return count;
}

}  // namespace

std::uint64_t oom_kills_in(const CgroupPlace& place) {
    for (const auto& directory : place.directories) {
        for (const auto* file : {"/memory.events", "/memory.oom_control"}) {
            if (const auto text = read_file(directory + file, max_bytes))
                return count_in(*text);
        }
    }
    return 0;
}

}  // namespace nacre::runtime
