#include "vmm/devices/rng/device.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

namespace nacre::rng {

namespace {

// Fills what it can; short only if the kernel refuses.
std::size_t fill_random(std::span<std::byte> target) {
    std::size_t filled = 0;
    while (filled < target.size()) {
        const auto count = ::getrandom(target.data() + filled, target.size() - filled, 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            break;
        filled += static_cast<std::size_t>(count);
    }
    return filled;
}

std::uint32_t answer(const virtio::DescriptorChain& chain) {
    std::array<std::byte, Device::max_bytes_per_request> random{};
    const auto wanted = std::min<std::uint64_t>(chain.writable_bytes, random.size());
    const auto filled = fill_random(std::span(random).first(wanted));
    return static_cast<std::uint32_t>(
        virtio::copy_to_iovecs(chain.writable, 0, std::span(random).first(filled)));
}

}  // namespace

Device::Device(EventLoop& loop, Log& log) : requests_(loop, log, "virtio-rng", answer) {}

std::uint32_t Device::type() const {
    return VIRTIO_ID_RNG;
}

Result<void> Device::activate(virtio::Activation activation) {
    auto& queue = activation.queues.at(0);
    if (!queue)
        return fail("the request queue is not enabled");
    return requests_.start(std::move(*queue), *activation.interrupt);
}

}  // namespace nacre::rng
