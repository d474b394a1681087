#include "vmm/devices/balloon/device.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>

#include <algorithm>
#include <functional>

#include "vmm/memory/discard.h"

namespace nacre::balloon {

namespace {

/// Linux wants room for 32 ranges in a report.
constexpr std::uint16_t queue_size = 128;

/// The specification has the reporting queue as number 4, behind those of features that are not offered here.
/// Linux and the VMMs it grew up with leave no gaps over virtio-mmio: the third of three.
enum QueueIndex : std::size_t { inflate_queue, deflate_queue, reporting_queue };

std::uint32_t acknowledge(const virtio::DescriptorChain&) {
    return 0;
}

bool overlap(std::span<const std::byte> one, std::span<const std::byte> other) {
    // std::less: pointers into different mappings have an order with it alone.
    const std::less<const std::byte*> before;
    return before(one.data(), other.data() + other.size()) && before(other.data(), one.data() + one.size());
}

}  // namespace

Device::Device(EventLoop& loop, Log& log)
    : log_(log),
      inflate_(loop, log, "virtio-balloon: inflate", acknowledge),
      deflate_(loop, log, "virtio-balloon: deflate", acknowledge),
      reports_(loop, log, "virtio-balloon: free pages",
               [this](const virtio::DescriptorChain& report) { return give_back(report); }) {}

std::uint32_t Device::type() const {
    return VIRTIO_ID_BALLOON;
}

std::uint64_t Device::features() const {
    return std::uint64_t{1} << VIRTIO_BALLOON_F_REPORTING;
}

std::vector<std::uint16_t> Device::queue_sizes() const {
    return {queue_size, queue_size, queue_size};
}

Result<void> Device::activate(virtio::Activation activation) {
    for (const auto& [index, server] :
         {std::pair{inflate_queue, &inflate_}, std::pair{deflate_queue, &deflate_},
          std::pair{reporting_queue, &reports_}}) {
        auto& queue = activation.queues.at(index);
        // A driver without reporting has two.
        if (queue)
            NACRE_TRY(server->start(std::move(*queue), *activation.interrupt));
    }
    return {};
}

void Device::deactivate() {
    inflate_.stop();
    deflate_.stop();
    reports_.stop();
}

bool Device::is_kept(std::span<const std::byte> memory) const {
    return std::ranges::any_of(kept_, [&](const auto& kept) { return overlap(kept, memory); });
}

/// Nothing is written into the buffers: they are the free pages themselves.
std::uint32_t Device::give_back(const virtio::DescriptorChain& report) const {
    std::uint64_t left = max_bytes_per_report;
    for (const auto& buffer : report.writable) {
        const std::span memory(static_cast<std::byte*>(buffer.iov_base),
                               std::min<std::uint64_t>(buffer.iov_len, left));
        left -= memory.size();
        if (is_kept(memory))
            continue;
        if (const auto given = discard(memory); !given)
            log_.write(LogLevel::warning, "virtio-balloon: {}", given.error().message);
    }
    return 0;
}

}  // namespace nacre::balloon
