#include "runtime/relay/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/relay/descriptor_socket.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

struct Pty {
    FileDescriptor master;
    FileDescriptor slave;
    std::string name;
};

Result<Pty> open_pty() {
    Pty pty;
    pty.master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 64> name{};
    if (!pty.master || ::unlockpt(pty.master.get()) < 0 ||
        ::ptsname_r(pty.master.get(), name.data(), name.size()) != 0)
        return fail_errno("open a pseudoterminal");
    pty.name = name.data();
    pty.slave.reset(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave)
        return fail_errno("open {}", pty.name);
    return pty;
}

/// `output`: flags of the output's processing that stay (termios(3)).
Result<termios> make_raw(int terminal, tcflag_t output = 0) {
    termios before{};
    if (::tcgetattr(terminal, &before) < 0)
        return fail_errno("read the terminal's mode");
    auto raw = before;
    ::cfmakeraw(&raw);
    raw.c_oflag |= before.c_oflag & output;
    if (::tcsetattr(terminal, TCSANOW, &raw) < 0)
        return fail_errno("put the terminal into raw mode");
    return before;
}

Result<void> set_window_size(int terminal, const oci::ConsoleSize& size) {
    constexpr std::uint64_t most = std::numeric_limits<unsigned short>::max();
    winsize window{};
    window.ws_row = static_cast<unsigned short>(std::min(size.height, most));
    window.ws_col = static_cast<unsigned short>(std::min(size.width, most));
    if (::ioctl(terminal, TIOCSWINSZ, &window) < 0)
        return fail_errno("set the terminal's size");
    return {};
}

Result<void> make_own(int slave) {
    if (::ioctl(slave, TIOCSCTTY, 0) < 0)
        return fail_errno("make the terminal the relay's");
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::dup2(slave, fd) < 0)
            return fail_errno("make the terminal descriptor {}", fd);
    }
    return {};
}

Result<FileDescriptor> callers_terminal() {
    for (const int fd : {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO}) {
        if (::isatty(fd) == 1)
            return FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    }
    auto terminal = open_file("/dev/tty", O_RDWR);
    if (!terminal)
        return add_context(std::move(terminal).error(),
                           "the process wants a terminal and the caller has none");
    return terminal;
}

Result<void> give_console(int socket, const std::optional<oci::ConsoleSize>& size) {
    NACRE_ASSIGN(const auto pty, open_pty());
    // The guest's terminal does all that a terminal does: this one only carries bytes.
    NACRE_TRY(make_raw(pty.slave.get()));
    if (size)
        NACRE_TRY(set_window_size(pty.master.get(), *size));
    NACRE_TRY(make_own(pty.slave.get()));
    return send_descriptor(socket, pty.name, pty.master.get());
}

}  // namespace

Result<void> check_terminal(bool wanted, bool detached, std::string_view console_socket) {
    if (detached && wanted && console_socket.empty())
        return fail("cannot allocate tty if runc will detach without setting console socket");
    if ((!detached || !wanted) && !console_socket.empty())
        return fail("cannot use console socket if runc will not detach or allocate tty");
    return {};
}

Result<ProcessTerminal> choose_terminal(const oci::Process& process, bool detached,
                                        const std::string& console_socket) {
    NACRE_TRY(check_terminal(process.terminal, detached, console_socket));
    ProcessTerminal terminal;
    terminal.wanted = process.terminal;
    terminal.size = process.console_size;
    if (!console_socket.empty()) {
        NACRE_ASSIGN(terminal.console_socket, connect_descriptor_socket(console_socket, "console socket"));
    } else if (terminal.wanted) {
        NACRE_ASSIGN(terminal.caller, callers_terminal());
    }
    return terminal;
}

Result<FileDescriptor> take_terminal(ProcessTerminal& terminal) {
    if (!terminal.console_socket)
        return std::move(terminal.caller);
    NACRE_TRY(give_console(terminal.console_socket.get(), terminal.size));
    terminal.console_socket.reset();
    return FileDescriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

std::optional<oci::ConsoleSize> window_size(int terminal) {
    winsize window{};
    if (::ioctl(terminal, TIOCGWINSZ, &window) < 0 || (window.ws_row == 0 && window.ws_col == 0))
        return std::nullopt;
    oci::ConsoleSize size;
    size.height = window.ws_row;
    size.width = window.ws_col;
    return size;
}

Result<RawTerminal> RawTerminal::enter(int terminal) {
    FileDescriptor own(::fcntl(terminal, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!own)
        return fail_errno("duplicate the terminal's descriptor");
    NACRE_ASSIGN(const auto before, make_raw(terminal, OPOST));
    return RawTerminal(std::move(own), before);
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept = default;

RawTerminal::~RawTerminal() {
    if (terminal_)
        ::tcsetattr(terminal_.get(), TCSANOW, &before_);
}

}  // namespace nacre::runtime
