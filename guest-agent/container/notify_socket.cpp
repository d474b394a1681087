#include "guest-agent/container/notify_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "vmm/base/file.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

/// More than net.unix.max_dgram_qlen lets wait in a socket by default.
constexpr int max_waiting_messages = 64;

}  // namespace

Result<std::unique_ptr<NotifySocket>> NotifySocket::create(EventLoop& loop, const std::string& parent,
                                                           OnMessage on_message) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return fail_errno("create notify socket");
    auto directory = parent + "/notify-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr)
        return fail_errno("make directory {}", directory);
    std::unique_ptr<NotifySocket> made(
        new NotifySocket(loop, std::move(socket), std::move(directory), std::move(on_message)));
    NACRE_TRY(made->bind());
    NACRE_TRY(
        loop.add(made->socket_.get(), EPOLLIN, [raw = made.get()](std::uint32_t) { (void)raw->receive(); }));
    return made;
}

NotifySocket::~NotifySocket() {
    loop_.remove(socket_.get());
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
}

Result<void> NotifySocket::bind() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path)
        return fail_with(ENAMETOOLONG, "{} is longer than the name of a socket can be", path_);
    path_.copy(address.sun_path, path_.size());
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return fail_errno("bind notify socket {}", path_);
    if (::chmod(path_.c_str(), 0777) < 0)
        return fail_errno("set mode of notify socket {}", path_);
    return {};
}

Result<FileDescriptor> NotifySocket::mount() const {
    return clone_mount(path_, false);
}

/// False when nothing waits. Descriptors that came with a message are closed, which is the answer that
/// sd_notify_barrier(3) waits for; the message is not passed on without them.
bool NotifySocket::receive() {
    std::array<char, max_message_bytes> buffer;
    iovec vector{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    const auto size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT);
    if (size < 0)
        return errno == EINTR;
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
        on_message_(std::string(buffer.data(), static_cast<std::size_t>(size)));
    return true;
}

void NotifySocket::drain() {
    for (int i = 0; i < max_waiting_messages && receive(); ++i) {
    }
}

}  // namespace nacre::agent
