#include "vmm/devices/vsock/host_listener.h"

#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

namespace nacre::vsock {

namespace {

constexpr std::string_view command = "CONNECT ";

/// The longest valid line: a port has at most ten digits.
constexpr std::size_t max_line = command.size() + 10 + 1;

/// Clients accepted before other events get their turn.
constexpr unsigned accepts_a_call = 32;

}  // namespace

std::optional<std::uint32_t> parse_connect_line(std::string_view line) {
    if (!line.starts_with(command) || !line.ends_with('\n'))
        return std::nullopt;
    const auto digits = line.substr(command.size(), line.size() - command.size() - 1);
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == VMADDR_PORT_ANY)
        return std::nullopt;
    return port;
}

Result<std::unique_ptr<HostListener>> HostListener::create(EventLoop& loop, FileDescriptor listener,
                                                           Options options) {
    // A client that leaves again between epoll and accept(2) must not block the loop.
    NACRE_TRY(set_nonblocking(listener.get(), true));
    std::unique_ptr<HostListener> self(new HostListener(loop, std::move(listener), std::move(options)));
    NACRE_ASSIGN(self->timer_, Timer::create(loop, [raw = self.get()] { raw->timer_fired(); }));
    NACRE_TRY(
        loop.add(self->listener_.get(), 0, [raw = self.get()](std::uint32_t) { raw->accept_clients(); }));
    return self;
}

HostListener::HostListener(EventLoop& loop, FileDescriptor listener, Options options)
    : loop_(loop), listener_(std::move(listener)), options_(std::move(options)) {}

HostListener::~HostListener() {
    loop_.remove(listener_.get());
    for (const auto& [fd, client] : clients_)
        loop_.remove(fd);
}

void HostListener::set_room(std::size_t room) {
    room_ = room;
    watch_listener();
}

bool HostListener::full() const {
    return clients_.size() >= std::min(room_, options_.max_waiting);
}

void HostListener::watch_listener() {
    const bool wanted = !paused_ && !full();
    if (wanted != watching_ && loop_.modify(listener_.get(), wanted ? EPOLLIN : 0U))
        watching_ = wanted;
}

void HostListener::accept_clients() {
    for (unsigned i = 0; i < accepts_a_call && !full() && !paused_; ++i) {
        FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket && errno == EAGAIN)
            break;
        if (socket && add_client(std::move(socket)))
            continue;
        // No descriptor or memory now: further clients wait in the backlog, and the loop must not spin.
        paused_ = true;
        timer_->arm(std::chrono::steady_clock::now() + options_.retry);
    }
    watch_listener();
}

Result<void> HostListener::add_client(FileDescriptor socket) {
    const int fd = socket.get();
    NACRE_TRY(loop_.add(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, [this, fd](std::uint32_t events) {
        read_line(fd, events);
        watch_listener();
    }));
    const auto deadline = std::chrono::steady_clock::now() + options_.line_timeout;
    clients_[fd] = {std::move(socket), deadline};
    timer_->arm(deadline);
    return {};
}

/// Takes the line, once all of it is there, and nothing behind it.
void HostListener::read_line(int fd, std::uint32_t events) {
    std::array<char, max_line> buffer;
    const ssize_t seen = ::recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
    const std::string_view text(buffer.data(), seen > 0 ? static_cast<std::size_t>(seen) : 0);
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) {
        const bool more_may_come =
            (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 && text.size() < max_line;
        if (!more_may_come)
            release(fd);
        return;
    }
    const auto line = text.substr(0, newline + 1);
    auto socket = release(fd);
    const auto port = parse_connect_line(line);
    if (port && ::recv(fd, buffer.data(), line.size(), MSG_DONTWAIT) == static_cast<ssize_t>(line.size()))
        options_.on_connect(std::move(socket), *port);
}

/// Ends the listener's part with a client; the caller closes it or passes it on.
FileDescriptor HostListener::release(int fd) {
    loop_.remove(fd);
    auto socket = std::move(clients_.at(fd).socket);
    clients_.erase(fd);
    return socket;
}

void HostListener::timer_fired() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<int> late;
    for (const auto& [fd, client] : clients_) {
        if (client.deadline <= now)
            late.push_back(fd);
        else
            timer_->arm(client.deadline);
    }
    for (const int fd : late)
        release(fd);
    paused_ = false;
    watch_listener();
}

}  // namespace nacre::vsock
