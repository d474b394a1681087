// The memory device behind its registers, while the host asks for other sizes. No more is ever plugged than the region has.

#include "tests/fuzz/loop_device.h"
#include "vmm/devices/mem/device.h"

using namespace nacre;

namespace {

constexpr GuestAddress region_start = std::uint64_t{8} << 30;
constexpr std::uint64_t region_bytes = 2 * mem::Device::usable_step;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    static const auto region = MemoryMapping::anonymous(region_bytes).value();
    const auto loop = EventLoop::create().value();
    Log log(-1, LogLevel::error, 0);
    std::uint64_t usable = 0;
    const auto make_usable = [&](std::uint64_t bytes) -> Result<void> {
        fuzz::require(bytes > usable && bytes <= region_bytes && bytes % mem::Device::usable_step == 0);
        usable = bytes;
        return {};
    };
    mem::Device device(*loop, {region_start, region.bytes(), make_usable}, log);
    fuzz::MmioGuest guest(
        device, [&](fuzz::Input& bytes) { static_cast<void>(device.resize(bytes.below(160) * mem::Blocks::size)); },
        [&] {
            fuzz::settle(*loop);
            fuzz::require(device.plugged_bytes() <= usable);
        });
    guest.run(input);
    return 0;
}
