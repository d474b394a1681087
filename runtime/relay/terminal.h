#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/oci/spec.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// What a guest process's terminal is tied to on the host: nothing, a new pty whose master goes to a console
/// socket, or the caller's own terminal.
struct ProcessTerminal {
    bool wanted = false;                   // process.terminal
    FileDescriptor console_socket;         // connected; or none
    FileDescriptor caller;                 // the caller's terminal; or none
    std::optional<oci::ConsoleSize> size;  // of a new pty
};

/// runc's rules and words: a process with a terminal that its caller does not wait for needs a console
/// socket, and no other may have one.
Result<void> check_terminal(bool wanted, bool detached, std::string_view console_socket);

/// Applies the rules, connects to the console socket (a path of any length), or finds the caller's terminal:
/// the first of standard error, output and input that is one, else /dev/tty.
Result<ProcessTerminal> choose_terminal(const oci::Process& process, bool detached,
                                        const std::string& console_socket);

/// In the relay, which leads a session without a terminal: the terminal whose bytes and window size are the
/// guest process's, none if it wants none. For a console socket that is the slave of a new pty, in raw mode,
/// which becomes the session's and descriptors 0, 1 and 2; the master goes to the socket in one message (the
/// slave's name as data, the master as SCM_RIGHTS, as runc does). From then on SIGWINCH tells that the
/// master's holder has changed the window size, SIGHUP that it has gone.
Result<FileDescriptor> take_terminal(ProcessTerminal& terminal);

/// The window size of a terminal; none if it has none or is not known (0 by 0).
std::optional<oci::ConsoleSize> window_size(int terminal);

/// A terminal in raw mode, but for its output, while the object lives; then as it was. The guest's terminal
/// leaves the carriage returns to it (protocol::CreateContainer::callers_terminal).
class RawTerminal {
  public:
    static Result<RawTerminal> enter(int terminal);
    RawTerminal(RawTerminal&& other) noexcept;
    RawTerminal& operator=(RawTerminal&&) = delete;
    ~RawTerminal();

  private:
    RawTerminal(FileDescriptor terminal, const termios& before)
        : terminal_(std::move(terminal)), before_(before) {}

    FileDescriptor terminal_;
    termios before_;
};

}  // namespace nacre::runtime
