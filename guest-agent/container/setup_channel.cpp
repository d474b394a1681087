#include "guest-agent/container/setup_channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

namespace nacre::agent {

namespace {

constexpr char created_code = 'c';
constexpr char console_code = 't';
constexpr char pid_code = 'p';
constexpr char failed_code = 'f';
constexpr std::size_t max_message_bytes = 4096;

/// The descriptor that came with a message, if any.
FileDescriptor received_descriptor(const msghdr& header) {
    const cmsghdr* control = CMSG_FIRSTHDR(&header);
    if (control == nullptr || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
        return {};
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return FileDescriptor(fd);
}

Error parse_failure(std::string_view text) {
    Error error;
    if (text.size() >= sizeof error.code) {
        std::memcpy(&error.code, text.data(), sizeof error.code);
        error.message = text.substr(sizeof error.code);
    }
    return error;
}

}  // namespace

Result<std::pair<SetupParent, SetupChild>> make_setup_channel() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0)
        return fail_errno("make socket pair");
    return std::pair(SetupParent(FileDescriptor(ends[0])), SetupChild(FileDescriptor(ends[1])));
}

std::optional<SetupReport> SetupParent::receive() {
    std::array<char, max_message_bytes> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec vector{text.data(), text.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const auto count = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return std::nullopt;
    SetupReport report;
    if (count <= 0)
        return report;
    report.console = received_descriptor(header);
    if (text[0] == console_code) {
        report.kind = SetupReport::Kind::console;
    } else if (text[0] == pid_code) {
        report.kind = SetupReport::Kind::pid;
        std::memcpy(&report.pid, text.data() + 1, sizeof report.pid);
    } else if (text[0] == created_code) {
        report.kind = SetupReport::Kind::created;
    } else {
        report.kind = SetupReport::Kind::failed;
        report.error = parse_failure({text.data() + 1, static_cast<std::size_t>(count - 1)});
    }
    return report;
}

Result<void> SetupParent::start() {
    const char code = 's';
    if (::send(socket_.get(), &code, sizeof code, MSG_NOSIGNAL) != sizeof code)
        return fail_errno("start the process");
    return {};
}

Result<void> SetupChild::move_above(int lowest) {
    FileDescriptor moved(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, lowest));
    if (!moved)
        return fail_errno("move the channel to the agent");
    socket_ = std::move(moved);
    return {};
}

Result<void> SetupChild::send_console(int master) {
    char code = console_code;
    iovec vector{&code, sizeof code};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof master);
    std::memcpy(CMSG_DATA(message), &master, sizeof master);
    if (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) < 0)
        return fail_errno("give the terminal to the agent");
    return {};
}

Result<void> SetupChild::send_pid(pid_t pid) {
    std::array<char, 1 + sizeof pid> message{pid_code};
    std::memcpy(message.data() + 1, &pid, sizeof pid);
    if (::write(socket_.get(), message.data(), message.size()) < 0)
        return fail_errno("report to the agent");
    return {};
}

Result<void> SetupChild::created() {
    if (::write(socket_.get(), &created_code, sizeof created_code) < 0)
        return fail_errno("report to the agent");
    return {};
}

void SetupChild::failed(const Error& error) {
    std::string text(1, failed_code);
    text.append(reinterpret_cast<const char*>(&error.code), sizeof error.code);
    text.append(error.message, 0, max_message_bytes - text.size());
    // Nobody is left to be told if this fails: the agent sees the channel closed.
    (void)!::write(socket_.get(), text.data(), text.size());
}

bool SetupChild::wait_for_start() {
    char code = 0;
    ssize_t count = 0;
    do
        count = ::read(socket_.get(), &code, sizeof code);
    while (count < 0 && errno == EINTR);
    return count == 1;
}

}  // namespace nacre::agent
