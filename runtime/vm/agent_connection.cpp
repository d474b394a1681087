#include "runtime/vm/agent_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "runtime/vm/vm_sockets.h"
#include "vmm/base/file.h"
#include "vmm/base/printable.h"

namespace nacre::runtime {

namespace {

using Clock = std::chrono::steady_clock;

class Deadline {
  public:
    explicit Deadline(int timeout_ms)
        : endless_(timeout_ms < 0), end_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {}

    int left_ms() const {
        if (endless_)
            return -1;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now()).count();
        return left > 0 ? static_cast<int>(left) : 0;
    }

  private:
    bool endless_;
    Clock::time_point end_;
};

Result<void> wait_readable(int fd, const Deadline& deadline) {
    for (;;) {
        pollfd entry{fd, POLLIN, 0};
        const int ready = ::poll(&entry, 1, deadline.left_ms());
        if (ready > 0)
            return {};
        if (ready == 0)
            return fail_with(ETIMEDOUT, "the guest agent does not answer");
        if (errno != EINTR)
            return fail_errno("wait for the guest agent");
    }
}

/// Reads at most `buffer.size()` bytes; 0 bytes is an error: the guest or its VM has gone.
Result<std::size_t> read_some(int fd, std::span<std::byte> buffer, const Deadline& deadline) {
    NACRE_TRY(wait_readable(fd, deadline));
    const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0)
        return fail_errno("read from the guest agent");
    if (count == 0)
        return fail_with(ENOTCONN, "the guest agent closed the connection");
    return static_cast<std::size_t>(count);
}

/// What is shown of a text of the agent's: its errors are a line, and it cuts command lines far shorter itself.
constexpr std::size_t max_text_bytes = 4096;

void make_printable(std::string& text) {
    text = printable(text, max_text_bytes);
}

/// The message in `payload`. Texts that users get to see cannot do anything to their terminals and logs.
Result<protocol::Message> read_message(std::string_view payload) {
    auto message = protocol::decode(payload);
    if (!message) {
        make_printable(message.error().message);
    } else if (auto* failed = std::get_if<protocol::Failed>(&*message)) {
        make_printable(failed->message);
    } else if (auto* list = std::get_if<protocol::Processes>(&*message)) {
        for (auto& process : list->processes) {
            for (auto* text : {&process.state, &process.terminal, &process.name, &process.command})
                make_printable(*text);
        }
    }
    return message;
}

/// The "OK <port>\n" that ends the handshake; read byte by byte because the stream's own bytes follow.
Result<void> read_acceptance(int fd, const Deadline& deadline) {
    std::string line;
    while (line.size() < 32) {
        std::array<std::byte, 1> byte{};
        NACRE_TRY(read_some(fd, byte, deadline));
        if (static_cast<char>(byte[0]) == '\n')
            break;
        line.push_back(static_cast<char>(byte[0]));
    }
    if (!line.starts_with("OK "))
        return fail("connect to the guest agent: the VMM answered \"{}\"", line);
    return {};
}

}  // namespace

Result<FileDescriptor> connect_to_vm(const std::string& vm_directory) {
    return connect_in(vm_directory, vsock_socket_name, SOCK_STREAM);
}

Result<AgentConnection> AgentConnection::connect(const std::string& vm_directory, std::uint32_t port,
                                                 int timeout_ms) {
    const Deadline deadline(timeout_ms);
    NACRE_ASSIGN(auto socket, connect_to_vm(vm_directory));
    NACRE_TRY(write_all(socket.get(), fmt::format("CONNECT {}\n", port)));
    NACRE_TRY(read_acceptance(socket.get(), deadline));
    return AgentConnection(std::move(socket));
}

Result<void> AgentConnection::send(const protocol::Message& message) {
    NACRE_ASSIGN(const auto bytes, protocol::frame(protocol::encode(message)));
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto count = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno("send to the guest agent");
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

Result<protocol::Message> AgentConnection::receive(int timeout_ms) {
    const Deadline deadline(timeout_ms);
    std::array<std::byte, 4096> buffer;
    for (;;) {
        if (const auto payload = reader_.next())
            return read_message(*payload);
        // No more than the frame needs, so that raw bytes behind it stay in the socket.
        const auto wanted = std::min(reader_.wanted(), buffer.size());
        NACRE_ASSIGN(const auto count, read_some(socket_.get(), std::span(buffer).first(wanted), deadline));
        NACRE_TRY(reader_.add(std::span(buffer).first(count)));
    }
}

Result<protocol::Message> AgentConnection::call(const protocol::Message& request, int timeout_ms) {
    NACRE_TRY(send(request));
    auto answer = receive(timeout_ms);
    if (!answer)
        return answer;
    if (const auto* failed = std::get_if<protocol::Failed>(&*answer))
        return tl::unexpected(Error{failed->message, static_cast<int>(failed->code)});
    return answer;
}

Result<protocol::Message> call_agent(const std::string& vm_directory, const protocol::Message& request,
                                     int timeout_ms) {
    NACRE_ASSIGN(auto agent, AgentConnection::connect(vm_directory, protocol::control_port, timeout_ms));
    return agent.call(request, timeout_ms);
}

}  // namespace nacre::runtime
