// The file system device behind its registers, its queues and their FUSE requests. (fuse_fuzz.cpp goes deeper
// into the latter.)

#include <fcntl.h>

#include "tests/fuzz/threaded_device.h"
#include "tests/vmm/fuse/fake_client.h"
#include "vmm/devices/fs/device.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const fuse::fake::TemporaryShare share;
    share.write("file", "content");
    Log log(-1, LogLevel::error, 0);
    fs::Options options;
    options.threads.max_threads = 1;
    FileDescriptor root(::open(share.inside().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto device =
        fs::Device::create(std::move(root), fuse::fake::own_descriptors(), std::move(options), log).value();
    fuzz::run_threaded_guest(*device, input);
    return 0;
}
