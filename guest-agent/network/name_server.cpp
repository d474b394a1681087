#include "guest-agent/network/name_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "guest-agent/network/container_namespace.h"

namespace nacre::agent {

namespace {

constexpr in_addr_t address_of_docker = 0x7f00000b;  // 127.0.0.11
constexpr std::uint16_t port_of_names = 53;
constexpr std::size_t length_bytes = 2;

Result<FileDescriptor> bind_socket(int type) {
    FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_of_names);
    address.sin_addr.s_addr = htonl(address_of_docker);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
        return fail_errno("bind a name server's socket");
    return socket;
}

Result<NameSockets> bind_sockets() {
    NACRE_ASSIGN(auto datagrams, bind_socket(SOCK_DGRAM));
    NACRE_ASSIGN(auto listener, bind_socket(SOCK_STREAM));
    if (::listen(listener.get(), static_cast<int>(NameServer::max_connections)) < 0)
        return fail_errno("listen for name queries");
    return NameSockets{std::move(datagrams), std::move(listener)};
}

/// How long the message is that begins with `received`, with its length before it; both bytes must be there.
std::size_t length_of(const std::string& received) {
    const auto byte = [&](std::size_t index) {
        return static_cast<std::size_t>(static_cast<unsigned char>(received[index]));
    };
    return length_bytes + (byte(0) << 8 | byte(1));
}

std::size_t missing_in(const std::string& received) {
    const auto whole = received.size() < length_bytes ? length_bytes : length_of(received);
    return whole - received.size();
}

}  // namespace

Result<NameSockets> open_name_sockets(pid_t process) {
    NACRE_ASSIGN(const auto own, open_network_namespace("self"));
    NACRE_ASSIGN(const auto target, open_network_namespace(std::to_string(process)));
    return in_network_namespace(target.get(), own.get(), bind_sockets);
}

Result<std::unique_ptr<NameServer>> NameServer::start(EventLoop& loop, NameSockets sockets, Ask ask) {
    std::unique_ptr<NameServer> server(new NameServer(loop, std::move(sockets), std::move(ask)));
    NACRE_TRY(loop.add(server->sockets_.datagrams.get(), EPOLLIN,
                       [raw = server.get()](std::uint32_t) { raw->receive_datagram(); }));
    NACRE_TRY(loop.add(server->sockets_.listener.get(), EPOLLIN,
                       [raw = server.get()](std::uint32_t) { raw->accept(); }));
    return server;
}

NameServer::~NameServer() {
    loop_.remove(sockets_.datagrams.get());
    loop_.remove(sockets_.listener.get());
    while (!connections_.empty())
        close(connections_.begin()->first);
}

void NameServer::answer(std::uint32_t question, const std::string& message) {
    const auto found = questions_.find(question);
    if (found == questions_.end())
        return;
    const auto client = found->second;
    questions_.erase(found);
    if (client.connection != 0)
        answer_connection(client.connection, message);
    else
        ::sendto(sockets_.datagrams.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&client.address), sizeof(client.address));
}

void NameServer::receive_datagram() {
    std::string message(protocol::max_name_message_bytes, '\0');
    Client client;
    socklen_t length = sizeof(client.address);
    const auto size = ::recvfrom(sockets_.datagrams.get(), message.data(), message.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&client.address), &length);
    if (size < 0)
        return;
    message.resize(static_cast<std::size_t>(size));
    (void)ask(client, std::move(message));
}

bool NameServer::ask(const Client& client, std::string message) {
    if (questions_.size() == max_questions)
        questions_.erase(questions_.begin());
    const auto number = next_question_++;
    if (!ask_({number, client.connection != 0, std::move(message)}))
        return false;
    questions_[number] = client;
    return true;
}

void NameServer::accept() {
    FileDescriptor socket(::accept4(sockets_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket)
        return;
    if (connections_.size() == max_connections)
        close(connections_.begin()->first);
    const auto number = next_connection_++;
    const auto added = loop_.add(socket.get(), EPOLLIN,
                                 [this, number](std::uint32_t events) { on_connection(number, events); });
    if (added)
        connections_[number].socket = std::move(socket);
}

/// One question at a time: the next one waits in the socket.
void NameServer::on_connection(std::uint64_t number, std::uint32_t events) {
    auto& connection = connections_.at(number);
    if ((events & (EPOLLHUP | EPOLLERR)) != 0 || !receive(connection)) {
        close(number);
        return;
    }
    if (missing_in(connection.received) > 0)
        return;
    (void)loop_.modify(connection.socket.get(), 0);
    Client client;
    client.connection = number;
    if (!ask(client, std::exchange(connection.received, {}).substr(length_bytes)))
        close(number);
}

/// No more than the message. False at the connection's end.
bool NameServer::receive(Connection& connection) {
    std::array<char, 4096> buffer;
    while (const auto missing = missing_in(connection.received)) {
        const auto count =
            ::recv(connection.socket.get(), buffer.data(), std::min(missing, buffer.size()), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (count <= 0)
            return false;
        connection.received.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
}

/// A client that does not take it at once gets no other: nothing is kept for it.
void NameServer::answer_connection(std::uint64_t number, const std::string& message) {
    const auto found = connections_.find(number);
    if (found == connections_.end())
        return;
    const auto size = message.size();
    std::string bytes{static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
    bytes += message;
    const int socket = found->second.socket.get();
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(bytes.size()) || !loop_.modify(socket, EPOLLIN))
        close(number);
}

void NameServer::close(std::uint64_t number) {
    const auto found = connections_.find(number);
    loop_.remove(found->second.socket.get());
    connections_.erase(found);
}

}  // namespace nacre::agent
