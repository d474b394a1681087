// The entropy device behind its registers.

#include "tests/fuzz/loop_device.h"
#include "vmm/devices/rng/device.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto loop = EventLoop::create().value();
    Log log(-1, LogLevel::error, 0);
    rng::Device device(*loop, log);
    fuzz::run_guest(device, *loop, input);
    return 0;
}
