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

using Buffer = std::array<std::byte, buffer_size>;

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
    int fd;
    int ended;              // readable when the process has exited
    bool hangs_up = false;  // whether its being gone is told to the guest before anything is written
};

/// Waits for input on `socket`; once the process has ended, for a bounded time only.
bool wait_for_input(int socket, const Target& target) {
    // Asked for nothing, a descriptor still reports that its other side is gone.
    pollfd entries[] = {
        {socket, POLLIN, 0}, {target.ended, POLLIN, 0}, {target.hangs_up ? target.fd : -1, 0, 0}};
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

void copy_output(FileDescriptor socket, Target target) {
    Buffer buffer;
    while (wait_for_input(socket.get(), target)) {
        const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0)
            break;
        if (!write_all(target.fd, std::span(buffer).first(static_cast<std::size_t>(count)))) {
            // Nobody reads our side any more: closing tells the guest, whose pipe then breaks.
            break;
        }
    }
    // The reader sees end of file once every copy of the descriptor is closed: this was the relay's.
    ::close(target.fd);
}

void copy_input(AgentConnection connection) {
    // The agent answers when the process is started: a container that never starts consumes nothing.
    if (!connection.receive(-1))
        return;
    const auto socket = connection.release();
    Buffer buffer;
    for (;;) {
        const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        if (!send_all(socket.get(), std::span(buffer).first(static_cast<std::size_t>(count))))
            break;
    }
    ::shutdown(socket.get(), SHUT_WR);
    ::close(STDIN_FILENO);
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

Result<Streams> Streams::attach(const std::string& vm_directory, const protocol::ProcessName& name,
                                bool terminal) {
    NACRE_ASSIGN(auto ended, EventFd::create());
    Streams streams(std::move(ended));
    const int ended_fd = streams.ended_.fd();
    NACRE_ASSIGN(auto input, open_stream(vm_directory, name, protocol::Stream::standard_input));
    NACRE_ASSIGN(auto output, open_output(vm_directory, name, protocol::Stream::standard_output));
    FileDescriptor error;
    if (!terminal) {
        NACRE_ASSIGN(error, open_output(vm_directory, name, protocol::Stream::standard_error));
    }
    streams.outputs_.emplace_back(copy_output, std::move(output), Target{STDOUT_FILENO, ended_fd, terminal});
    if (error)
        streams.outputs_.emplace_back(copy_output, std::move(error), Target{STDERR_FILENO, ended_fd});
    // Reading the caller's stdin cannot be interrupted; the thread ends with the process.
    std::thread(copy_input, std::move(input)).detach();
    return streams;
}

void Streams::finish() {
    ended_.signal();
    for (auto& output : outputs_)
        output.join();
    outputs_.clear();
}

}  // namespace nacre::runtime
