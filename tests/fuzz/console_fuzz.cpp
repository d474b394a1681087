// The console device behind its registers. Its file stays within what BoundedLog promises.

#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fuzz/loop_device.h"
#include "vmm/devices/console/device.h"

using namespace nacre;
using console::BoundedLog;

namespace {

constexpr std::uint64_t max_file_bytes = BoundedLog::head_bytes + BoundedLog::max_tail_bytes;

std::uint64_t size_of(const FileDescriptor& file) {
    struct stat status {};
    fuzz::require(::fstat(file.get(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto loop = EventLoop::create().value();
    Log log(-1, LogLevel::error, 0);
    const FileDescriptor output(::memfd_create("console", MFD_CLOEXEC));
    {
        const auto device = console::Device::create(*loop, log, output.duplicate().value()).value();
        fuzz::run_guest(*device, *loop, input);
    }
    fuzz::require(size_of(output) <= max_file_bytes);
    return 0;
}
