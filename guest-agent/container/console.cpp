#include "guest-agent/container/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "guest-agent/container/paths.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

/// The multiplexer of a devpts: not what an image may have put at its place (CVE-2025-52565).
Result<FileDescriptor> open_multiplexer(int root) {
    NACRE_ASSIGN(auto master, open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY));
    struct statfs status {};
    if (::fstatfs(master.get(), &status) < 0 || status.f_type != DEVPTS_SUPER_MAGIC)
        return fail_with(ENOTTY, "open terminal: /dev/pts is not a devpts");
    return master;
}

Result<void> set_size(int master, const oci::ConsoleSize& size) {
    constexpr std::uint64_t most = std::numeric_limits<unsigned short>::max();
    winsize window{};
    window.ws_row = static_cast<unsigned short>(std::min(size.height, most));
    window.ws_col = static_cast<unsigned short>(std::min(size.width, most));
    if (::ioctl(master, TIOCSWINSZ, &window) < 0)
        return fail_errno("set size of terminal");
    return {};
}

Result<void> keep_newlines(int slave) {
    termios mode{};
    if (::tcgetattr(slave, &mode) < 0)
        return fail_errno("read mode of terminal");
    mode.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
    if (::tcsetattr(slave, TCSANOW, &mode) < 0)
        return fail_errno("set mode of terminal");
    return {};
}

}  // namespace

Result<Console> open_console(int root, const std::optional<oci::ConsoleSize>& size, bool callers_terminal) {
    NACRE_ASSIGN(auto master, open_multiplexer(root));
    const int unlock = 0;
    if (::ioctl(master.get(), TIOCSPTLCK, &unlock) < 0)
        return fail_errno("unlock terminal");
    FileDescriptor slave(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave)
        return fail_errno("open terminal");
    if (size)
        NACRE_TRY(set_size(master.get(), *size));
    if (callers_terminal)
        NACRE_TRY(keep_newlines(slave.get()));
    return Console{std::move(master), std::move(slave)};
}

Result<void> bind_console(int root, int slave) {
    NACRE_ASSIGN(const auto mount, clone_mount(slave, false));
    NACRE_ASSIGN(const auto target, make_in_root(root, "/dev/console", PathKind::file));
    return attach_mount(mount.get(), target.get());
}

Result<void> take_console(int slave) {
    if (::ioctl(slave, TIOCSCTTY, 0) < 0)
        return fail_errno("make terminal the controlling one");
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::dup2(slave, fd) < 0)
            return fail_errno("make terminal descriptor {}", fd);
    }
    return {};
}

}  // namespace nacre::agent
