#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/vmm/devices/virtio/changing_memory.h"
#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre;
using namespace nacre::virtio;
using namespace nacre::virtio::fake;

namespace {

bool is_in_ram(const GuestMemory& memory, const iovec& piece) {
    const auto* start = static_cast<const std::byte*>(piece.iov_base);
    return std::ranges::any_of(memory.regions(), [&](const auto& region) {
        const auto bytes = region.mapping.bytes();
        return start >= bytes.data() && start < bytes.data() + bytes.size() &&
               piece.iov_len <= static_cast<std::size_t>(bytes.data() + bytes.size() - start);
    });
}

std::span<std::byte> low_ram(const FakeGuest& guest) {
    return guest.memory().regions().front().mapping.bytes();
}

}  // namespace

TEST_CASE("memory changes after each instruction that touches it") {
    const FakeGuest guest;
    const auto ram = low_ram(guest);
    volatile auto* number = reinterpret_cast<std::uint64_t*>(ram.data() + 4096);
    *number = 1;
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    {
        const ChangingMemory changing(ram, [](std::span<std::byte, 8> touched) {
            touched[0] = static_cast<std::byte>(std::to_integer<int>(touched[0]) + 1);
        });
        first = *number;
        second = *number;
    }
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK(*number == 3);
}

TEST_CASE("what the driver changes between two looks of the device leads it nowhere outside RAM") {
    std::mt19937_64 random(20260101);  // NOLINT: the same changes in every run
    // Half of the changes are small numbers, as flags, indices and lengths are.
    const auto change = [&](std::span<std::byte, 8> touched) {
        if (random() % 2 == 0)
            return;
        const std::uint64_t value = random() % 2 == 0 ? random() : random() % 8 << random() % 4 * 16;
        std::memcpy(touched.data(), &value, sizeof value);
    };
    int popped = 0;
    for (int round = 0; round < 300; ++round) {
        FakeGuest guest;
        FakeRing ring(guest, 16);
        auto queue = Queue::create(guest.memory(), ring.layout(), 16, true, true).value();
        ring.chain().readable("request").writable(64).publish();
        ring.chain().readable("one").readable("two").writable(8).indirect().publish();
        for (int pops = 0; pops < 2; ++pops) {
            Result<std::optional<DescriptorChain>> chain;
            {
                const ChangingMemory changing(low_ram(guest), change);
                chain = queue.pop();
            }
            if (!chain || !*chain)
                break;
            ++popped;
            std::uint64_t bytes = 0;
            for (const auto& pieces : {(*chain)->readable, (*chain)->writable}) {
                for (const auto& piece : pieces) {
                    CHECK(is_in_ram(guest.memory(), piece));
                    bytes += piece.iov_len;
                }
            }
            CHECK(bytes == (*chain)->readable_bytes + (*chain)->writable_bytes);
            const ChangingMemory changing(low_ram(guest), change);
            CHECK(queue.push_used(std::move(**chain), 0));
        }
    }
    CHECK(popped > 30);
}
