#include "runtime/vm/mounts_below.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::size_t most = 4096;

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// Space, tab, line break and backslash stand there as "\\040".
std::string unescape(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const bool escape =
            text.size() >= 4 && text[0] == '\\' && std::ranges::all_of(text.substr(1, 3), is_octal);
        if (escape)
            result.push_back(static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0')));
        else
            result.push_back(text[0]);
        text.remove_prefix(escape ? 4 : 1);
    }
    return result;
}

/// The fifth word of a line.
std::optional<std::string> mount_point(std::string_view line) {
    for (int word = 0; word < 4; ++word) {
        const auto space = line.find(' ');
        if (space == std::string_view::npos)
            return std::nullopt;
        line.remove_prefix(space + 1);
    }
    return unescape(line.substr(0, line.find(' ')));
}

}  // namespace

std::vector<std::string> mounts_below(std::string_view mountinfo, const std::string& directory) {
    const auto prefix = directory.ends_with('/') ? directory : directory + "/";
    std::vector<std::string> found;
    while (!mountinfo.empty() && found.size() < most) {
        const auto end = std::min(mountinfo.find('\n'), mountinfo.size());
        const auto place = mount_point(mountinfo.substr(0, end));
        if (place && place->size() > prefix.size() && place->starts_with(prefix))
            found.push_back(place->substr(prefix.size()));
        mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<std::string> mounts_below(const std::string& source) {
    constexpr std::size_t proc_file_limit = 4 * 1024 * 1024;
    const auto mountinfo = read_file("/proc/self/mountinfo", proc_file_limit);
    std::error_code failed;
    const auto directory = std::filesystem::canonical(source, failed);
    if (!mountinfo || failed)
        return {};
    return mounts_below(*mountinfo, directory.string());
}

}  // namespace nacre::runtime
