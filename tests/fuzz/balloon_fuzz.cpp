// The balloon device behind its registers, which gives memory back to the host under the guest's hands.

#include "tests/fuzz/loop_device.h"
#include "vmm/devices/balloon/device.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto loop = EventLoop::create().value();
    Log log(-1, LogLevel::error, 0);
    balloon::Device device(*loop, log);
    device.keep(fuzz::MmioGuest::memory().regions().back().mapping.bytes());
    fuzz::run_guest(device, *loop, input);
    return 0;
}
