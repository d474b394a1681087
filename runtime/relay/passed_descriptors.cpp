#include "runtime/relay/passed_descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace nacre::runtime {

namespace {

int socket_option(int fd, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/// What it is, if that cannot be passed; else empty.
std::string obstacle(int fd, const struct stat& file, const protocol::PassedDescriptor& direction) {
    const bool both = direction.readable && direction.writable;
    switch (file.st_mode & S_IFMT) {
        case S_IFSOCK:
            if (socket_option(fd, SO_ACCEPTCONN) == 1)
                return "a listening socket";
            return socket_option(fd, SO_TYPE) == SOCK_STREAM ? "" : "a socket that is no stream";
        case S_IFIFO:
            return both ? "a FIFO open for reading and writing" : "";
        case S_IFREG:
            return both ? "a file open for reading and writing" : "";
        case S_IFCHR:
            return ::isatty(fd) == 1 || file.st_rdev == makedev(1, 3) ? "" : "a device";
        case S_IFBLK:
            return "a device";
        case S_IFDIR:
            return "a directory";
        default:
            return "no file, pipe, socket or terminal";
    }
}

Result<PassedDescriptor> take(int fd) {
    NACRE_ASSIGN(const auto direction, passable_direction(fd));
    NACRE_TRY(set_close_on_exec(fd, true));
    return PassedDescriptor{FileDescriptor(fd), direction};
}

}  // namespace

Result<protocol::PassedDescriptor> passable_direction(int fd) {
    const int own = ::fcntl(fd, F_GETFD);
    struct stat file {};
    if (own < 0 || (own & FD_CLOEXEC) != 0 || ::fstat(fd, &file) < 0)
        return fail_with(EBADF, "unable to stat preserved-fd: descriptor {} is not open", fd);
    const int flags = ::fcntl(fd, F_GETFL);
    const int access = flags & O_ACCMODE;
    const protocol::PassedDescriptor direction{access != O_WRONLY, access != O_RDONLY};
    const auto what = (flags & O_PATH) != 0 ? "the path of a file alone" : obstacle(fd, file, direction);
    if (what.empty())
        return direction;
    return fail_with(
        EINVAL,
        "descriptor {} is {}, which cannot be passed into a VM: pipes, stream sockets, terminals "
        "and files open for reading or for writing alone can",
        fd, what);
}

Result<std::vector<PassedDescriptor>> take_passed_descriptors(std::uint32_t count) {
    std::vector<PassedDescriptor> taken;
    for (int fd = STDERR_FILENO + 1; taken.size() < count; ++fd) {
        auto one = take(fd);
        if (!one)
            return add_context(std::move(one).error(), fmt::format("--preserve-fds {}", count));
        taken.push_back(std::move(*one));
    }
    return taken;
}

std::vector<protocol::PassedDescriptor> directions_of(const std::vector<PassedDescriptor>& descriptors) {
    std::vector<protocol::PassedDescriptor> directions;
    for (const auto& descriptor : descriptors)
        directions.push_back(descriptor.direction);
    return directions;
}

Result<void> check_socket_activation() {
    const char* count = std::getenv("LISTEN_FDS");
    const char* pid = std::getenv("LISTEN_PID");
    if (count == nullptr || pid == nullptr || std::atoi(count) <= 0 || std::atoi(pid) != ::getpid())
        return {};
    return fail(
        "LISTEN_FDS={}: a listening socket of the host cannot be passed into a VM; "
        "start the container without socket activation",
        count);
}

}  // namespace nacre::runtime
