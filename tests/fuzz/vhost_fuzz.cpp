// The network device with two pairs of queues that the host's kernel serves: what a guest's registers make of
// them there. The kernel is never asked for what it must refuse, and serves both queues of a pair or none:
// none after a reset, or when it cannot go on.

#include <linux/virtio_config.h>

#include <array>
#include <deque>

#include "tests/fuzz/mmio_guest.h"
#include "tests/vmm/devices/net/fake_vhost.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "vmm/devices/net/device.h"
#include "vmm/devices/net/vhost_pair.h"

using namespace nacre;

namespace {

constexpr unsigned pair_count = 2;

/// The host: its kernel, and the taps.
class Host {
  public:
    std::unique_ptr<net::Device> make_device() {
        std::vector<std::unique_ptr<net::Pair>> owned;
        for (auto& wire : wires_) {
            owned.push_back(net::VhostPair::create(std::make_unique<net::fake::SocketTap>(wire),
                                                   net::Vhost::open(kernel_.open()).value(), {}, log_)
                                .value());
            pairs_.push_back(owned.back().get());
        }
        return net::Device::create(std::move(owned), {}, log_).value();
    }

    void step(fuzz::Input& input) {
        const auto pair = input.below(pair_count);
        switch (input.below(4)) {
            case 0:
                return kernel_.fail_after(input.below(32));
            case 1:
                wires_[pair].refuse_to_attach = input.below(2) != 0;
                return;
            default:
                given_up_[pair] |= kernel_.give_up(pair, input.below(2));
        }
    }

    /// A task on each loop comes after the events before it; the second one after those that these led to.
    void settle() {
        for (int round = 0; round < 2; ++round) {
            for (auto* pair : pairs_)
                pair->loop().run_in_loop([] {});
        }
    }

    void check(std::uint32_t status) {
        fuzz::require(kernel_.refused() == 0);
        const bool started = (status & VIRTIO_CONFIG_S_DRIVER_OK) != 0;
        for (unsigned pair = 0; pair < pair_count; ++pair) {
            const bool receives = kernel_.serves(pair, net::Vhost::receive);
            const bool transmits = kernel_.serves(pair, net::Vhost::transmit);
            fuzz::require(receives == transmits);
            given_up_[pair] &= (status & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
            fuzz::require((started && !given_up_[pair]) || (!receives && !transmits));
        }
    }

  private:
    net::fake::FakeVhost kernel_{fuzz::MmioGuest::memory()};
    std::deque<net::fake::Wire> wires_ = std::deque<net::fake::Wire>(pair_count);
    Log log_{-1, LogLevel::error, 0};
    std::vector<net::Pair*> pairs_;
    std::array<bool, pair_count> given_up_{};  // by the kernel, until a reset
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Host host;
    const auto device = host.make_device();
    {
        const fuzz::MmioGuest* self = nullptr;
        fuzz::MmioGuest guest(
            *device, [&](fuzz::Input& bytes) { host.step(bytes); },
            [&] {
                host.settle();
                host.check(self->status());
            });
        self = &guest;
        guest.run(input);
    }
    host.check(0);
    return 0;
}
