// The vsock device behind its registers, while programs of the host come, write, read and go.

#include "tests/fuzz/host_programs.h"
#include "tests/fuzz/loop_device.h"
#include "vmm/devices/vsock/device.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto loop = EventLoop::create().value();
    fuzz::HostPrograms programs;
    const auto device = vsock::Device::create(*loop, programs.options()).value();
    fuzz::MmioGuest guest(
        *device, [&](fuzz::Input& bytes) { programs.step(bytes); }, [&] { fuzz::settle(*loop); });
    guest.run(input);
    fuzz::require(device->connections() <= fuzz::HostPrograms::max_connections);
    return 0;
}
