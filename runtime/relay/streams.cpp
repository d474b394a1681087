#include "runtime/relay/streams.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/vm/agent_connection.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr int attach_timeout_ms = 30'000;
constexpr int silent_guest_timeout_ms = 5'000;
constexpr std::size_t buffer_size = 64 * 1024;

constexpr std::size_t stack_bytes = buffer_size + (128 << 10);

using Buffer = std::array<std::byte, buffer_size>;

/// After a call that failed: whether to try again. The caller may have made its open files non-blocking.
bool wait_until_ready(int fd, short events) {
    if (errno == EINTR)
        return true;
    pollfd entry{fd, events, 0};
    return errno == EAGAIN && (::poll(&entry, 1, -1) > 0 || errno == EINTR);
}

Result<void> write_all_waiting(int fd, std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto written = ::write(fd, data.data(), data.size());
        if (written < 0 && wait_until_ready(fd, POLLOUT))
            continue;
        if (written < 0)
            return fail_errno("write");
        data = data.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> send_all(int socket, std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto sent = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return fail_errno("send");
        data = data.subspan(static_cast<std::size_t>(sent));
    }
    return {};
}

/// Where a stream's bytes go, and what ends the copying.
struct Target {
    FileDescriptor fd;
    int ended = -1;            // readable when the process has exited
    bool hangs_up = false;     // whether its being gone is told to the guest before anything is written
    bool half_closes = false;  // a socket whose other direction may go on when this one has ended
};

/// Waits for input on `socket`; once the process has ended, for a bounded time only.
bool wait_for_input(int socket, const Target& target) {
    // Asked for nothing, a descriptor still reports that its other side is gone.
    pollfd entries[] = {
        {socket, POLLIN, 0}, {target.ended, POLLIN, 0}, {target.hangs_up ? target.fd.get() : -1, 0, 0}};
    while (::poll(entries, 3, -1) < 0) {
        if (errno != EINTR)
            return false;
    }
    if (entries[2].revents != 0)
        return false;
    if (entries[0].revents != 0)
        return true;
    return ::poll(entries, 1, silent_guest_timeout_ms) > 0;
}

/// Whether the process lives on after the end of its output. When it has exited, the agent says so right
/// after the end: others may go on with the socket then.
bool goes_on(const Target& target) {
    constexpr int exit_follows_ms = 1'000;
    pollfd process{target.ended, POLLIN, 0};
    return ::poll(&process, 1, exit_follows_ms) == 0;
}

void copy_output(FileDescriptor socket, Target target) {
    Buffer buffer;
    while (wait_for_input(socket.get(), target)) {
        const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0)
            break;
        if (!write_all_waiting(target.fd.get(), std::span(buffer).first(static_cast<std::size_t>(count)))) {
            // Nobody reads our side any more: closing tells the guest, whose pipe then breaks.
            break;
        }
    }
    // A reader sees end of file once every copy of the descriptor is closed, and this was the relay's. But of
    // a socket the other direction has one too.
    if (target.half_closes && goes_on(target))
        ::shutdown(target.fd.get(), SHUT_WR);
}

void copy_input(AgentConnection connection, const FileDescriptor& source) {
    // The agent answers when the process is started: a container that never starts consumes nothing.
    if (!connection.receive(-1))
        return;
    const auto socket = connection.release();
    Buffer buffer;
    for (;;) {
        const auto count = ::read(source.get(), buffer.data(), buffer.size());
        if (count < 0 && wait_until_ready(source.get(), POLLIN))
            continue;
        if (count <= 0)
            break;
        if (!send_all(socket.get(), std::span(buffer).first(static_cast<std::size_t>(count))))
            break;
    }
    ::shutdown(socket.get(), SHUT_WR);
}

Result<AgentConnection> open_stream(const std::string& vm_directory, const protocol::ProcessName& name,
                                    protocol::Stream stream) {
    NACRE_ASSIGN(auto connection,
                 AgentConnection::connect(vm_directory, protocol::stream_port, attach_timeout_ms));
    NACRE_TRY(connection.send(protocol::AttachStream{name, stream}));
    return connection;
}

Result<FileDescriptor> open_output(const std::string& vm_directory, const protocol::ProcessName& name,
                                   protocol::Stream stream) {
    NACRE_ASSIGN(auto connection, open_stream(vm_directory, name, stream));
    NACRE_ASSIGN(const auto answer, connection.receive(attach_timeout_ms));
    if (const auto* failed = std::get_if<protocol::Failed>(&answer))
        return fail("attach to the process's output: {}", failed->message);
    return connection.release();
}

}  // namespace

Result<void> Streams::add_input(std::uint32_t descriptor, FileDescriptor source) {
    NACRE_ASSIGN(auto connection, open_stream(vm_directory_, name_, {descriptor, true}));
    NACRE_ASSIGN(auto copying,
                 Thread::start("input", stack_bytes,
                               [connection = std::move(connection), source = std::move(source)]() mutable {
                                   copy_input(std::move(connection), source);
                               }));
    // Reading the caller's descriptor cannot be interrupted; the thread ends with the process.
    copying.detach();
    return {};
}

Result<void> Streams::add_output(std::uint32_t descriptor, FileDescriptor target, bool hangs_up,
                                 bool half_closes) {
    NACRE_ASSIGN(auto connection, open_output(vm_directory_, name_, {descriptor, false}));
    Target to{std::move(target), ended_.fd(), hangs_up, half_closes};
    NACRE_ASSIGN(auto copying,
                 Thread::start("output", stack_bytes,
                               [connection = std::move(connection), to = std::move(to)]() mutable {
                                   copy_output(std::move(connection), std::move(to));
                               }));
    outputs_.push_back(std::move(copying));
    return {};
}

Result<void> Streams::add_passed(std::uint32_t descriptor, PassedDescriptor passed) {
    if (passed.direction.readable) {
        NACRE_ASSIGN(auto source, passed.fd.duplicate());
        NACRE_TRY(add_input(descriptor, std::move(source)));
    }
    if (!passed.direction.writable)
        return {};
    return add_output(descriptor, std::move(passed.fd), false, passed.direction.readable);
}

Result<Streams> Streams::attach(const std::string& vm_directory, const protocol::ProcessName& name,
                                bool terminal, std::vector<PassedDescriptor> passed) {
    NACRE_ASSIGN(auto ended, EventFd::create());
    Streams streams(vm_directory, name, std::move(ended));
    NACRE_TRY(streams.add_input(STDIN_FILENO, FileDescriptor(STDIN_FILENO)));
    NACRE_TRY(streams.add_output(STDOUT_FILENO, FileDescriptor(STDOUT_FILENO), terminal, false));
    if (!terminal)
        NACRE_TRY(streams.add_output(STDERR_FILENO, FileDescriptor(STDERR_FILENO), false, false));
    for (std::uint32_t descriptor = STDERR_FILENO + 1; auto& one : passed)
        NACRE_TRY(streams.add_passed(descriptor++, std::move(one)));
    return streams;
}

void Streams::finish() {
    if (outputs_.empty())
        return;
    ended_.signal();
    outputs_.clear();
}

}  // namespace nacre::runtime
