#include "vmm/devices/net/tap.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "vmm/devices/net/protocol.h"

namespace nacre::net {

namespace {

class HostTap final : public Tap {
  public:
    explicit HostTap(FileDescriptor fd) : fd_(std::move(fd)) {}

    int fd() const override { return fd_.get(); }

    Result<void> set_offloads(unsigned flags) override {
        if (::ioctl(fd_.get(), TUNSETOFFLOAD, flags) < 0)
            return fail_errno("tap: set offloads {:#x}", flags);
        return {};
    }

    Result<void> set_attached(bool attached) override {
        if (attached == attached_)
            return {};
        ifreq request{};
        request.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
        if (::ioctl(fd_.get(), TUNSETQUEUE, &request) < 0)
            return fail_errno("tap: {} a queue", attached ? "attach" : "detach");
        attached_ = attached;
        return {};
    }

  private:
    FileDescriptor fd_;
    bool attached_ = true;
};

Result<void> check_flags(int fd, bool several) {
    ifreq request{};
    if (::ioctl(fd, TUNGETIFF, &request) < 0)
        return fail_errno("descriptor {} is no tap", fd);
    const auto flags = static_cast<unsigned>(static_cast<unsigned short>(request.ifr_flags));
    // IFF_NO_PI cannot be asked for: its bit says here that there is no filter (IFF_NOFILTER).
    const unsigned needed = IFF_TAP | IFF_VNET_HDR | (several ? IFF_MULTI_QUEUE : 0U);
    if ((flags & needed) != needed)
        return fail_with(EINVAL, "tap of descriptor {}: flags {:#x} instead of {:#x}", fd, flags, needed);
    return {};
}

Result<void> check_header_size(int fd) {
    int bytes = 0;
    if (::ioctl(fd, TUNGETVNETHDRSZ, &bytes) < 0)
        return fail_errno("tap of descriptor {}: size of the header", fd);
    if (bytes != static_cast<int>(header_bytes))
        return fail_with(EINVAL, "tap of descriptor {}: header of {} bytes instead of {}", fd, bytes,
                         header_bytes);
    return {};
}

}  // namespace

Result<std::unique_ptr<Tap>> open_tap(FileDescriptor fd, bool several) {
    NACRE_TRY(check_flags(fd.get(), several));
    NACRE_TRY(check_header_size(fd.get()));
    NACRE_TRY(set_nonblocking(fd.get(), true));
    return std::make_unique<HostTap>(std::move(fd));
}

}  // namespace nacre::net
