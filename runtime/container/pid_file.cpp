#include "runtime/container/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "vmm/base/file.h"

namespace nacre::runtime {

Result<void> write_pid_file(const std::string& path, pid_t pid) {
    const auto slash = path.rfind('/');
    const auto directory = slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
    const auto temporary = fmt::format("{}.{}.{}", directory, path.substr(directory.size()), ::getpid());
    {
        NACRE_ASSIGN(const auto file, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666));
        NACRE_TRY(write_all(file.get(), std::to_string(pid)));
    }
    if (::rename(temporary.c_str(), path.c_str()) < 0) {
        auto error = fail_errno("write pid file {}", path);
        ::unlink(temporary.c_str());
        return error;
    }
    return {};
}

}  // namespace nacre::runtime
