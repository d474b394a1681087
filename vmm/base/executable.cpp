#include "vmm/base/executable.h"

#include <unistd.h>

#include <climits>

namespace nacre {

Result<std::string> executable_directory() {
    char path[PATH_MAX];
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length < 0)
        return fail_errno("read /proc/self/exe");
    const std::string self(path, static_cast<std::size_t>(length));
    return self.substr(0, self.rfind('/'));
}

}  // namespace nacre
