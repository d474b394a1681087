#include "guest-agent/container/executable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace nacre::agent {

namespace {

/// Go prints errno texts in lower case: "no such file or directory".
std::string go_errno_text(int code) {
    auto text = errno_text(code);
    if (!text.empty())
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

tl::unexpected<Error> exec_error(int code, const std::string& name, const std::string& reason) {
    return tl::unexpected(Error{fmt::format("exec: \"{}\": {}", name, reason), code});
}

/// A container's seccomp filter may be in force already, and one older than faccessat2(2) refuses that with
/// EPERM, and the C library's faccessat() tries nothing else then. The process's real ids are its effective
/// ones, so that the older call says the same.
bool may_execute(const std::string& path) {
    if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0)
        return true;
    return errno == EPERM && ::syscall(SYS_faccessat, AT_FDCWD, path.c_str(), X_OK) == 0;
}

/// 0 if `path` can be executed, else an errno; `stat_failed` tells which call refused.
int check_executable(const std::string& path, bool& stat_failed) {
    struct stat status {};
    stat_failed = ::stat(path.c_str(), &status) < 0;
    if (stat_failed)
        return errno;
    if (S_ISDIR(status.st_mode))
        return EISDIR;
    if (!may_execute(path))
        return errno == ENOSYS || errno == EPERM ? EACCES : errno;
    return 0;
}

Result<std::string> check_path(const std::string& path) {
    bool stat_failed = false;
    const int code = check_executable(path, stat_failed);
    if (code == 0)
        return path;
    const auto text = go_errno_text(code);
    return exec_error(code, path, stat_failed ? fmt::format("stat {}: {}", path, text) : text);
}

}  // namespace

std::string environment_value(const std::vector<std::string>& environment, const std::string& name) {
    std::string value;
    for (const auto& entry : environment) {
        if (entry.size() > name.size() && entry[name.size()] == '=' &&
            entry.compare(0, name.size(), name) == 0)
            value = entry.substr(name.size() + 1);
    }
    return value;
}

Result<std::string> find_executable(const std::string& name, const std::vector<std::string>& environment) {
    if (name.find('/') != std::string::npos)
        return check_path(name);
    const auto path = environment_value(environment, "PATH");
    for (std::size_t begin = 0; !name.empty() && !path.empty() && begin <= path.size();) {
        const auto end = std::min(path.find(':', begin), path.size());
        const auto directory = path.substr(begin, end - begin);
        begin = end + 1;
        const auto candidate = (directory.empty() ? "." : directory) + "/" + name;
        bool stat_failed = false;
        if (check_executable(candidate, stat_failed) != 0)
            continue;
        if (!candidate.starts_with('/'))
            return exec_error(ENOENT, name, "cannot run executable found relative to current directory");
        return candidate;
    }
    return exec_error(ENOENT, name, "executable file not found in $PATH");
}

}  // namespace nacre::agent
