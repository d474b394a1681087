#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "vmm/devices/net/tap.h"

namespace nacre::net::fake {

/// Where the frames of a SocketTap come from and go to, and what was asked of it. Outlives it; the test's.
class Wire {
  public:
    Wire() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0)
            throw std::runtime_error("no socket pair");
        host_.reset(ends[0]);
        tap_.reset(ends[1]);
        // A frame as large as any must fit.
        const int size = 4 << 20;
        ::setsockopt(host_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }

    int tap() const { return tap_.get(); }

    /// To the guest; false when the tap holds as much as it can.
    bool send(const std::string& bytes) const {
        return ::send(host_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }

    /// The next frame from the guest, if there is one.
    std::optional<std::string> receive() const {
        std::string bytes(1 << 17, '\0');
        const auto count = ::recv(host_.get(), bytes.data(), bytes.size(), 0);
        if (count < 0)
            return std::nullopt;
        bytes.resize(static_cast<std::size_t>(count));
        return bytes;
    }

    /// As if the interface were deleted.
    void cut() { host_.reset(); }

    std::atomic<unsigned> offloads{~0U};
    std::atomic<bool> attached{true};
    std::atomic<bool> refuse_to_attach{false};

  private:
    FileDescriptor host_;
    FileDescriptor tap_;
};

class SocketTap final : public Tap {
  public:
    explicit SocketTap(Wire& wire) : wire_(wire) {}

    int fd() const override { return wire_.tap(); }
    Result<void> set_offloads(unsigned flags) override {
        wire_.offloads = flags;
        return {};
    }
    Result<void> set_attached(bool attached) override {
        if (attached && wire_.refuse_to_attach)
            return fail_with(EBUSY, "attach a queue");
        wire_.attached = attached;
        return {};
    }

  private:
    Wire& wire_;
};

}  // namespace nacre::net::fake
