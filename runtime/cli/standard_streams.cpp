#include "runtime/cli/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace nacre::cli {

Result<void> open_closed_standard_streams() {
    // open() gives the lowest free number; it stays open, and across exec.
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
            return fail_errno("open /dev/null as file descriptor {}", fd);
    }
    return {};
}

}  // namespace nacre::cli
