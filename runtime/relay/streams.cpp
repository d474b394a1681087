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

/// Waits for input on `socket`; once `ended` is signalled, for a bounded time only.
bool wait_for_input(int socket, int ended) {
    pollfd entries[] = {{socket, POLLIN, 0}, {ended, POLLIN, 0}};
    while (::poll(entries, 2, -1) < 0) {
        if (errno != EINTR)
            return false;
    }
    if (entries[0].revents != 0)
        return true;
    return ::poll(entries, 1, silent_guest_timeout_ms) > 0;
}

void copy_output(FileDescriptor socket, int target, int ended) {
    Buffer buffer;
    while (wait_for_input(socket.get(), ended)) {
        const auto count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0)
            break;
        if (!write_all(target, std::span(buffer).first(static_cast<std::size_t>(count)))) {
            // Nobody reads our side any more: closing tells the guest, whose pipe then breaks.
            break;
        }
    }
    // The reader sees end of file once every copy of the descriptor is closed: this was the relay's.
    ::close(target);
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

Result<Streams> Streams::attach(const std::string& vm_directory, const protocol::ProcessName& name) {
    NACRE_ASSIGN(auto ended, EventFd::create());
    Streams streams(std::move(ended));
    NACRE_ASSIGN(auto input, open_stream(vm_directory, name, protocol::Stream::standard_input));
    NACRE_ASSIGN(auto output, open_output(vm_directory, name, protocol::Stream::standard_output));
    NACRE_ASSIGN(auto error, open_output(vm_directory, name, protocol::Stream::standard_error));
    const int ended_fd = streams.ended_.fd();
    streams.outputs_.emplace_back(copy_output, std::move(output), STDOUT_FILENO, ended_fd);
    streams.outputs_.emplace_back(copy_output, std::move(error), STDERR_FILENO, ended_fd);
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
