#include "guest-agent/container/process_environment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "guest-agent/container/credentials.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

std::string_view name_of(std::string_view entry) {
    return entry.substr(0, entry.find('='));
}

std::vector<std::string> last_of_each_name(const std::vector<std::string>& entries) {
    std::set<std::string_view> seen;
    std::vector<std::string> kept;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        if (seen.insert(name_of(*entry)).second)
            kept.push_back(*entry);
    }
    std::ranges::reverse(kept);
    return kept;
}

/// The container's /etc/passwd, if it is an ordinary file; an image may have put anything there.
std::string read_passwd() {
    constexpr std::size_t limit = 1024 * 1024;
    const auto file = open_file("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (!file || ::fstat(file->get(), &status) < 0 || !S_ISREG(status.st_mode))
        return {};
    return read_to_end(file->get(), limit).value_or("");
}

}  // namespace

std::vector<std::string> process_environment(const oci::Process& process) {
    return complete_environment(process.env, read_passwd(), process.user.uid);
}

std::vector<std::string> complete_environment(const std::vector<std::string>& configured,
                                              std::string_view passwd, std::uint32_t uid) {
    auto environment = last_of_each_name(configured);
    std::erase(environment, "HOME=");
    if (std::ranges::any_of(environment, [](const auto& entry) { return name_of(entry) == "HOME"; }))
        return environment;
    const auto home = home_directory(passwd, uid).value_or("");
    environment.push_back("HOME=" + (home.empty() ? "/" : home));
    return environment;
}

}  // namespace nacre::agent
