// The network device with two pairs of queues behind its registers: frames in both directions and control commands.

#include <deque>

#include "tests/fuzz/mmio_guest.h"
#include "tests/vmm/devices/net/socket_tap.h"
#include "vmm/devices/net/device.h"
#include "vmm/devices/net/pair_worker.h"

using namespace nacre;

namespace {

/// The host's side of the taps, and the threads that serve them.
struct Host {
    std::deque<net::fake::Wire> wires = std::deque<net::fake::Wire>(2);
    Log log{-1, LogLevel::error, 0};
    std::vector<net::Pair*> pairs;

    std::unique_ptr<net::Device> make_device() {
        std::vector<std::unique_ptr<net::Pair>> owned;
        for (auto& wire : wires) {
            owned.push_back(net::PairWorker::create(std::make_unique<net::fake::SocketTap>(wire), {}, log).value());
            pairs.push_back(owned.back().get());
        }
        net::Device::Options options;
        options.mac = {2, 0, 0, 0, 0, 1};
        return net::Device::create(std::move(owned), options, log).value();
    }

    void step(fuzz::Input& input) {
        auto& wire = wires[input.below(2)];
        if (input.below(32) == 0)
            return wire.cut();
        wire.send(std::string(12, '\0') + input.take_text(input.take<std::uint8_t>()));
        while (wire.receive()) {
        }
    }

    /// A task on each loop comes after the events before it; the second one after those that these led to.
    void settle() {
        for (int round = 0; round < 2; ++round) {
            for (auto* pair : pairs)
                pair->loop().run_in_loop([] {});
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Host host;
    const auto device = host.make_device();
    fuzz::MmioGuest guest(
        *device, [&](fuzz::Input& bytes) { host.step(bytes); }, [&] { host.settle(); });
    guest.run(input);
    return 0;
}
