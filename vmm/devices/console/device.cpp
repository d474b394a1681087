#include "vmm/devices/console/device.h"

#include <linux/virtio_ids.h>

#include <algorithm>

namespace nacre::console {

namespace {

constexpr std::size_t transmit_queue = 1;  // of port 0 (Virtio 1.2, 5.3.2)

}  // namespace

Result<std::unique_ptr<Device>> Device::create(EventLoop& loop, Log& log, FileDescriptor output) {
    NACRE_ASSIGN(auto bounded, BoundedLog::create(std::move(output)));
    return std::unique_ptr<Device>(new Device(loop, log, std::move(bounded)));
}

Device::Device(EventLoop& loop, Log& log, BoundedLog output)
    : log_(log),
      output_(std::move(output)),
      transmit_(loop, log, "virtio-console", [this](const virtio::DescriptorChain& chain) {
          print(chain);
          return 0U;
      }) {}

std::uint32_t Device::type() const {
    return VIRTIO_ID_CONSOLE;
}

Result<void> Device::activate(virtio::Activation activation) {
    auto& queue = activation.queues.at(transmit_queue);
    if (!queue)
        return fail("the transmit queue is not enabled");
    return transmit_.start(std::move(*queue), *activation.interrupt);
}

// Straight from guest memory: the bytes go to the file as they are, nothing is decided upon them.
void Device::print(const virtio::DescriptorChain& chain) {
    std::size_t left = max_bytes_per_chain;
    for (const auto& buffer : chain.readable) {
        const std::span bytes(static_cast<const std::byte*>(buffer.iov_base), std::min(buffer.iov_len, left));
        left -= bytes.size();
        const auto written = output_.write(bytes);
        if (!written && !std::exchange(output_failed_, true))
            log_.write(LogLevel::warning, "virtio-console: {}", written.error().message);
    }
}

}  // namespace nacre::console
