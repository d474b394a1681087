#include "tests/fuzz/host_programs.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>

namespace nacre::fuzz {

namespace {

constexpr std::size_t max_programs = 8;

FileDescriptor stream_socket() {
    return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

HostPrograms::HostPrograms() : listener_(stream_socket()) {
    // Only the family: the kernel chooses an abstract address (unix(7), autobind).
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    require(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);
    require(::listen(listener_.get(), 16) == 0);
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    offered_.reset(ends[0]);
    sockets_.emplace_back(ends[1]);
}

vsock::Device::Options HostPrograms::options() {
    vsock::Device::Options options;
    options.listener = listener_.duplicate().value();
    options.host_ports.push_back({offered_port, std::move(offered_)});
    options.max_connections = max_connections;
    return options;
}

FileDescriptor HostPrograms::connect() const {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    require(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    auto client = stream_socket();
    if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), length) < 0)
        client.reset();
    return client;
}

void HostPrograms::step(Input& input) {
    const auto action = input.below(6);
    if (action == 0 && sockets_.size() < max_programs) {
        if (auto client = connect())
            sockets_.push_back(std::move(client));
    }
    if (sockets_.empty())
        return;
    const auto chosen = sockets_.begin() + input.below(max_programs) % static_cast<std::ptrdiff_t>(sockets_.size());
    std::array<char, 4096> buffer{};
    // What is refused, for want of room or because the other side has closed, is one more possibility.
    ssize_t ignored = 0;
    switch (action) {
        case 0:
        case 1: {
            const auto line = fmt::format("CONNECT {}\n", input.below(3) + 1024U);
            ignored = ::send(chosen->get(), line.data(), line.size(), MSG_NOSIGNAL);
            break;
        }
        case 2: {
            const auto text = input.take_text(input.take<std::uint8_t>());
            ignored = ::send(chosen->get(), text.data(), text.size(), MSG_NOSIGNAL);
            break;
        }
        case 3:
            ignored = ::recv(chosen->get(), buffer.data(), buffer.size(), 0);
            break;
        case 4:
            ignored = ::shutdown(chosen->get(), static_cast<int>(input.below(3)));
            break;
        default:
            sockets_.erase(chosen);
    }
    static_cast<void>(ignored);
}

}  // namespace nacre::fuzz
