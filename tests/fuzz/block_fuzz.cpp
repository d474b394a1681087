// The block device behind its registers, with either engine. The image keeps its size, and a read-only one
// its content.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/threaded_device.h"
#include "vmm/devices/block/blocking_engine.h"
#include "vmm/devices/block/device.h"
#include "vmm/devices/block/ring_pool.h"

using namespace nacre;

namespace {

constexpr std::size_t image_bytes = 16 * 1024;

FileDescriptor make_image() {
    FileDescriptor image(::memfd_create("image", MFD_CLOEXEC));
    const std::string content(image_bytes, 'a');
    fuzz::require(::write(image.get(), content.data(), content.size()) ==
                  static_cast<ssize_t>(content.size()));
    return image;
}

/// As the runtime opens it.
block::Disk open_disk(const FileDescriptor& image, bool read_only) {
    const auto path = fmt::format("/proc/self/fd/{}", image.get());
    FileDescriptor opened(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    return block::Disk::open(std::move(opened), read_only, "disk-1").value();
}

void check_image(const FileDescriptor& image, bool read_only) {
    struct stat status {};
    fuzz::require(::fstat(image.get(), &status) == 0 && status.st_size == image_bytes);
    std::string content(image_bytes, '\0');
    fuzz::require(::pread(image.get(), content.data(), content.size(), 0) ==
                  static_cast<ssize_t>(content.size()));
    fuzz::require(!read_only || content == std::string(image_bytes, 'a'));
}

Result<std::unique_ptr<block::Engine>> make_blocking_engine(const block::Disk& disk, Log&) {
    return std::make_unique<block::BlockingEngine>(disk);
}

/// One for the process, since the kernel is slow to make a ring and to end it. Where it makes none, the
/// engine does one request at a time.
block::RingPool& rings() {
    static block::RingPool rings(1, block::QueueWorker::queue_size);
    return rings;
}

/// A ring comes back when nothing is under way in it.
void check_rings() {
    auto ring = rings().take();
    if (!ring)
        return;
    fuzz::require(io_uring_sq_ready(ring->get()) == 0 && io_uring_cq_ready(ring->get()) == 0);
    rings().give_back(std::move(*ring));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto kind = input.below(8);
    const bool read_only = kind % 4 == 0;
    const auto image = make_image();
    Log log(-1, LogLevel::error, 0);
    {
        block::Device::Options options;
        options.worker.make_engine =
            kind < 4 ? block::MakeEngine(make_blocking_engine) : block::engines_on(rings());
        const auto device = block::Device::create(open_disk(image, read_only), options, log).value();
        fuzz::run_threaded_guest(*device, input);
    }
    check_image(image, read_only);
    check_rings();
    return 0;
}
