// A guest with rings of its own making, which changes any byte of its memory between the device's steps.

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/vmm/devices/virtio/changing_memory.h"
#include "vmm/devices/virtio/queue.h"

using namespace nacre;
using namespace nacre::virtio;

namespace {

constexpr std::uint64_t region_bytes = 32 * 1024;
constexpr GuestAddress high_start = 0x10000;  // a hole lies between the two regions
constexpr std::uint16_t max_queue_size = 64;

GuestMemory make_memory() {
    std::vector<GuestMemory::Region> regions;
    regions.push_back({0, MemoryMapping::anonymous(region_bytes).value()});
    regions.push_back({high_start, MemoryMapping::anonymous(region_bytes).value()});
    return GuestMemory::create(std::move(regions)).value();
}

void write_memory(const GuestMemory& memory, GuestAddress address, std::span<const std::byte> bytes) {
    if (const auto target = memory.slice(address, bytes.size()))
        std::ranges::copy(bytes, target->begin());
}

bool is_in_ram(const GuestMemory& memory, const iovec& piece) {
    const auto* start = static_cast<const std::byte*>(piece.iov_base);
    return std::ranges::any_of(memory.regions(), [&](const auto& region) {
        const auto bytes = region.mapping.bytes();
        return start >= bytes.data() && piece.iov_len <= bytes.size() &&
               start <= bytes.data() + (bytes.size() - piece.iov_len);
    });
}

std::uint64_t checked_bytes(const GuestMemory& memory, const std::vector<iovec>& pieces) {
    std::uint64_t bytes = 0;
    for (const auto& piece : pieces) {
        fuzz::require(piece.iov_len != 0 && is_in_ram(memory, piece));
        bytes += piece.iov_len;
    }
    return bytes;
}

/// What a device may rely on.
void check_chain(const GuestMemory& memory, const Queue& queue, const DescriptorChain& chain) {
    fuzz::require(chain.readable.size() + chain.writable.size() <= queue.size());
    fuzz::require(checked_bytes(memory, chain.readable) == chain.readable_bytes);
    fuzz::require(checked_bytes(memory, chain.writable) == chain.writable_bytes);
    fuzz::require(chain.readable_bytes + chain.writable_bytes <= 0xffffffff);
}

/// A device that keeps chains as long as it likes, and gives them back in any order.
class Device {
  public:
    Device(const GuestMemory& memory, Queue queue) : memory_(memory), queue_(std::move(queue)) {}

    void step(fuzz::Input& input) {
        switch (input.below(7)) {
            case 0:
                return pop(input.below(4) == 0);
            case 1:
                return push(input);
            case 2:
                return queue_.disable_notifications();
            case 3:
                queue_.enable_notifications();
                return;
            case 4:
                queue_.needs_interrupt();
                return;
            case 5:
                return pop_while_it_changes(input);
            default:
                return write_memory(memory_, input.take<std::uint32_t>() % (high_start + region_bytes),
                                    input.take_bytes(input.below(33)));
        }
    }

  private:
    void pop(bool undo) { take(queue_.pop(), undo); }

    // With every byte that the queue looks at changed right after: nothing that was checked is fetched again.
    void pop_while_it_changes(fuzz::Input& input) {
        Result<std::optional<DescriptorChain>> chain;
        {
            const virtio::fake::ChangingMemory changing(memory_.regions().front().mapping.bytes(), [&](auto touched) {
                const auto value = input.take<std::array<std::byte, 8>>();
                for (std::size_t i = 0; i < value.size(); ++i)
                    touched[i] ^= value[i];
            });
            chain = queue_.pop();
        }
        take(std::move(chain), false);
    }

    void take(Result<std::optional<DescriptorChain>> chain, bool undo) {
        if (!chain) {
            broken_ = true;
            return;
        }
        fuzz::require(!broken_);
        if (!*chain)
            return;
        check_chain(memory_, queue_, **chain);
        if (undo)
            return queue_.undo_pop();
        held_.push_back(std::move(**chain));
        fuzz::require(held_.size() <= queue_.size());
    }

    void push(fuzz::Input& input) {
        const auto written = input.take<std::uint32_t>();
        if (held_.empty())
            return;
        auto chain = held_.begin() + input.below(256) % static_cast<unsigned>(held_.size());
        const bool fits = written <= chain->writable_bytes;
        const auto pushed = queue_.push_used(std::move(*chain), written);
        fuzz::require(pushed.has_value() == fits);
        held_.erase(chain);
    }

    const GuestMemory& memory_;
    Queue queue_;
    std::deque<DescriptorChain> held_;
    bool broken_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const GuestMemory memory = make_memory();
    for (const auto& region : memory.regions())
        std::memset(region.mapping.bytes().data(), 0, region.mapping.bytes().size());

    fuzz::Input input(data, size);
    const auto features = input.take<std::uint8_t>();
    QueueLayout layout;
    layout.size = input.take<std::uint16_t>();
    layout.descriptor_table = input.take<std::uint32_t>();
    layout.available_ring = input.take<std::uint32_t>();
    layout.used_ring = input.take<std::uint32_t>();
    write_memory(memory, layout.available_ring, input.take_bytes(input.below(256)));
    write_memory(memory, layout.descriptor_table, input.take_bytes(input.take<std::uint16_t>() % 2048));

    auto queue = Queue::create(memory, layout, max_queue_size, (features & 1) != 0, (features & 2) != 0);
    if (!queue)
        return 0;
    Device device(memory, std::move(*queue));
    while (!input.empty())
        device.step(input);
    return 0;
}
