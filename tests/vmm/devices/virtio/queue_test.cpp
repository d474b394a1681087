#include "vmm/devices/virtio/queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <random>

#include "tests/vmm/devices/virtio/fake_driver.h"

using namespace nacre::virtio;
using fake::FakeGuest;
using fake::FakeRing;
using nacre::GuestAddress;

namespace {

constexpr std::uint16_t ring_size = 8;

struct Fixture {
    FakeGuest guest;
    FakeRing ring{guest, ring_size};
    GuestAddress buffer = guest.allocate(4096);

    Queue queue(bool event_index = false, bool indirect = true) const {
        return Queue::create(guest.memory(), ring.layout(), ring_size, event_index, indirect).value();
    }

    // What a queue says to the chains published so far, when it must refuse the first of them.
    std::string refusal(bool indirect = true) const {
        auto malformed = queue(false, indirect);
        auto chain = malformed.pop();
        REQUIRE_FALSE(chain);
        return chain.error().message;
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string text_of(const DescriptorChain& chain) {
    std::string text(chain.readable_bytes, '\0');
    CHECK(copy_from_iovecs(chain.readable, 0, std::as_writable_bytes(std::span(text))) == text.size());
    return text;
}

}  // namespace

// Layouts that the driver must not choose.

TEST_CASE_FIXTURE(Fixture, "queue sizes other than powers of two up to the maximum are refused") {
    auto layout = ring.layout();
    for (const std::uint16_t size : std::to_array<std::uint16_t>({0, 3, 12, 16, 0xffff})) {
        layout.size = size;
        CHECK_FALSE(Queue::create(guest.memory(), layout, ring_size, false, false));
    }
}

TEST_CASE_FIXTURE(Fixture, "rings that are not aligned are refused") {
    for (const auto area :
         {&QueueLayout::descriptor_table, &QueueLayout::available_ring, &QueueLayout::used_ring}) {
        auto layout = ring.layout();
        layout.*area += 1;
        CHECK_FALSE(Queue::create(guest.memory(), layout, ring_size, false, false));
    }
}

TEST_CASE_FIXTURE(Fixture, "rings that are not all in RAM are refused") {
    for (const auto area :
         {&QueueLayout::descriptor_table, &QueueLayout::available_ring, &QueueLayout::used_ring}) {
        for (const GuestAddress address : {FakeGuest::low_end, FakeGuest::low_end - 16, FakeGuest::in_hole,
                                           FakeGuest::high_end - 16, GuestAddress{0} - 16}) {
            auto layout = ring.layout();
            layout.*area = address;
            CHECK_FALSE(Queue::create(guest.memory(), layout, ring_size, false, false));
        }
    }
}

// Chains that the driver must not make.

TEST_CASE_FIXTURE(Fixture, "a chain that loops is refused") {
    const auto head = ring.chain().readable("a").readable("b").publish();
    auto second = ring.peek_descriptor(1);
    second.flags = fake::flag_next;
    second.next = head;
    ring.poke_descriptor(1, second);
    CHECK(contains(refusal(), "longer than the queue size"));
}

TEST_CASE_FIXTURE(Fixture, "a descriptor that follows itself is refused") {
    ring.poke_descriptor(0, {buffer, 1, fake::flag_next, 0});
    ring.publish_head(0);
    CHECK(contains(refusal(), "longer than the queue size"));
}

TEST_CASE_FIXTURE(Fixture, "heads and next past the table are refused") {
    SUBCASE("head") {
        ring.publish_head(ring_size);
    }
    SUBCASE("head at the end of 16 bits") {
        ring.publish_head(0xffff);
    }
    SUBCASE("next") {
        ring.poke_descriptor(0, {buffer, 1, fake::flag_next, ring_size});
        ring.publish_head(0);
    }
    CHECK(contains(refusal(), "past its table"));
}

TEST_CASE_FIXTURE(Fixture, "buffers that are not in one region of RAM are refused") {
    GuestAddress address = 0;
    std::uint32_t length = 16;
    SUBCASE("end of low RAM") {
        address = FakeGuest::low_end;
    }
    SUBCASE("across the end of low RAM") {
        address = FakeGuest::low_end - 8;
    }
    SUBCASE("the MMIO hole") {
        address = FakeGuest::in_hole;
    }
    SUBCASE("past all RAM") {
        address = FakeGuest::high_end;
    }
    SUBCASE("across the hole") {
        address = FakeGuest::low_end - 16;
        length = 0xfffffff0;
    }
    SUBCASE("length wraps the address space") {
        address = GuestAddress{0} - 8;
    }
    SUBCASE("huge") {
        length = 0xffffffff;
    }
    ring.chain().raw(address, length).publish();
    CHECK(contains(refusal(), "not in RAM"));
}

TEST_CASE_FIXTURE(Fixture, "a buffer of length zero is refused, as QEMU does") {
    SUBCASE("alone") {
        ring.chain().raw(buffer, 0).publish();
    }
    SUBCASE("among others") {
        ring.chain().readable("a").raw(buffer, 0, fake::flag_write).publish();
    }
    CHECK(contains(refusal(), "of length zero"));
}

TEST_CASE_FIXTURE(Fixture, "a readable buffer after a writable one is refused") {
    ring.chain().readable("a").writable(1).readable("b").publish();
    CHECK(contains(refusal(), "after a writable one"));
}

TEST_CASE("4 GiB or more in one chain is refused") {
    // One region of 2 GiB, never touched, so that two buffers are too much.
    std::vector<nacre::GuestMemory::Region> regions;
    regions.push_back({0, nacre::MemoryMapping::anonymous(std::size_t{2} << 30).value()});
    const auto memory = nacre::GuestMemory::create(std::move(regions)).value();
    const QueueLayout layout{8, 0x1000, 0x2000, 0x3000};
    REQUIRE(memory.write_object(0x1000, fake::Descriptor{0, 0x80000000, fake::flag_next, 1}));
    REQUIRE(memory.write_object(0x1010, fake::Descriptor{0, 0x80000000, fake::flag_write, 0}));
    REQUIRE(memory.write_object(0x2002, std::uint16_t{1}));
    auto queue = Queue::create(memory, layout, 8, false, false).value();
    const auto chain = queue.pop();
    REQUIRE_FALSE(chain);
    CHECK(contains(chain.error().message, "more than 4294967295 bytes"));
}

TEST_CASE_FIXTURE(Fixture, "an indirect table is refused where it was not negotiated") {
    ring.chain().readable("a").indirect().publish();
    CHECK(contains(refusal(false), "where none is allowed"));
}

TEST_CASE_FIXTURE(Fixture, "an indirect table within an indirect table is refused") {
    ring.chain().readable("a").indirect().indirect().publish();
    CHECK(contains(refusal(), "where none is allowed"));
}

TEST_CASE_FIXTURE(Fixture, "an indirect descriptor that has a next one is refused") {
    ring.chain().readable("a").indirect().readable("b").publish();
    CHECK(contains(refusal(), "where none is allowed"));
}

TEST_CASE_FIXTURE(Fixture, "indirect tables of a wrong size are refused") {
    std::uint32_t length = 0;
    SUBCASE("zero") {}
    SUBCASE("not a multiple of 16") {
        length = 24;
    }
    SUBCASE("more than the queue size") {
        length = 16 * (ring_size + 1);
    }
    SUBCASE("huge") {
        length = 0xfffffff0;
    }
    ring.chain().raw(buffer, length, fake::flag_indirect).publish();
    CHECK(contains(refusal(), "descriptors"));
}

TEST_CASE_FIXTURE(Fixture, "indirect tables outside RAM are refused") {
    for (const GuestAddress address :
         {FakeGuest::in_hole, FakeGuest::low_end - 16, FakeGuest::high_end, GuestAddress{0} - 16}) {
        ring.clear();
        ring.chain().raw(address, 32, fake::flag_indirect).publish();
        CHECK(contains(refusal(), "not in RAM"));
    }
}

TEST_CASE_FIXTURE(Fixture, "an indirect table that loops, or leaves itself, is refused") {
    const auto table = guest.allocate(4096);
    std::string expected;
    fake::Descriptor only{buffer, 1, fake::flag_next, 0};
    SUBCASE("loop") {
        expected = "longer than the queue size";
    }
    SUBCASE("next past the table") {
        only.next = 1;
        expected = "past its table of 1";
    }
    REQUIRE(guest.memory().write_object(table, only));
    ring.chain().raw(table, 16, fake::flag_indirect).publish();
    CHECK(contains(refusal(), expected));
}

TEST_CASE_FIXTURE(Fixture, "direct and indirect descriptors together are bounded by the queue size") {
    const auto table = guest.allocate(4096);
    for (std::uint16_t i = 0; i < ring_size; ++i) {
        const bool more = i + 1 < ring_size;
        const fake::Descriptor entry{buffer, 1, more ? fake::flag_next : std::uint16_t{0},
                                     static_cast<std::uint16_t>(i + 1)};
        REQUIRE(guest.memory().write_object(table + i * sizeof entry, entry));
    }
    ring.chain().readable("a").raw(table, 16 * ring_size, fake::flag_indirect).publish();
    CHECK(contains(refusal(), "longer than the queue size"));
}

TEST_CASE_FIXTURE(Fixture, "an available index that jumps past the queue size, or back, is refused") {
    SUBCASE("forward") {
        ring.poke_available_index(ring_size + 1);
    }
    SUBCASE("backward") {
        ring.poke_available_index(0xffff);
    }
    CHECK(contains(refusal(), "available index"));
}

TEST_CASE_FIXTURE(Fixture, "chains beyond those in flight are refused") {
    auto device = queue();
    for (unsigned i = 0; i < ring_size; ++i)
        ring.chain().readable("a").publish();
    for (unsigned i = 0; i < ring_size; ++i)
        REQUIRE(device.pop().value());
    ring.publish_head(0);
    CHECK_FALSE(device.pop());
}

TEST_CASE_FIXTURE(Fixture, "after a malformed chain the queue gives nothing but errors") {
    ring.chain().raw(FakeGuest::in_hole, 1).publish();
    ring.chain().readable("good").publish();
    auto device = queue();
    CHECK_FALSE(device.pop());
    CHECK_FALSE(device.pop());
    CHECK(device.next_available() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a chain that was not given, or too much of it, cannot be given back") {
    auto device = queue();
    CHECK_FALSE(device.push_used(DescriptorChain(), 0));
    ring.chain().writable(4).publish();
    auto chain = std::move(*device.pop().value());
    CHECK_FALSE(device.push_used(std::move(chain), 5));
    CHECK(ring.used_index() == 0);
}

TEST_CASE_FIXTURE(Fixture, "of chains that are given back together, one that is wrong keeps all back") {
    ring.chain().writable(8).publish();
    ring.chain().writable(8).publish();
    auto device = queue();
    std::vector<UsedChain> used(3);
    used[0] = {std::move(*device.pop().value()), 8};
    used[1] = {std::move(*device.pop().value()), 9};
    CHECK_FALSE(device.push_used(std::span(used).first(2)));
    used[1].written = 8;
    CHECK_FALSE(device.push_used(used));
    CHECK(ring.used_index() == 0);
    CHECK(device.push_used(std::span(used).first(2)));
    CHECK(ring.used_index() == 2);
    CHECK(device.outstanding() == 0);
}

TEST_CASE_FIXTURE(Fixture, "whatever stands in the rings, a chain is bounded and lies in RAM") {
    std::mt19937 random(1);
    const auto pick = [&](std::initializer_list<std::uint64_t> values) {
        return values.begin()[random() % values.size()];
    };
    for (unsigned round = 0; round < 20000; ++round) {
        for (std::uint16_t i = 0; i < ring_size; ++i) {
            const auto address =
                pick({buffer, 0, ring.layout().descriptor_table, FakeGuest::low_end - 16, FakeGuest::in_hole,
                      FakeGuest::high_start, FakeGuest::high_end - 1, GuestAddress{0} - 1});
            const auto length = pick({0, 1, 15, 16, 32, 128, 4096, 0x80000000, 0xffffffff});
            ring.poke_descriptor(
                i, {address, static_cast<std::uint32_t>(length), static_cast<std::uint16_t>(random() % 8),
                    static_cast<std::uint16_t>(random() % (ring_size + 1))});
        }
        ring.poke_available_index(0);
        ring.publish_head(static_cast<std::uint16_t>(random() % ring_size));
        auto device = queue();
        const auto chain = device.pop();
        if (!chain)
            continue;
        REQUIRE(*chain);
        const auto& parts = **chain;
        REQUIRE(parts.readable.size() + parts.writable.size() <= ring_size);
        // A part outside RAM would crash or be seen by a sanitizer here.
        std::string bytes(std::min<std::uint64_t>(parts.readable_bytes, 8192), '\0');
        REQUIRE(copy_from_iovecs(parts.readable, 0, std::as_writable_bytes(std::span(bytes))) ==
                bytes.size());
    }
}

// What a driver that knows the rules may do.

TEST_CASE_FIXTURE(Fixture, "an empty queue gives nothing") {
    auto device = queue();
    CHECK_FALSE(device.pop().value());
}

TEST_CASE_FIXTURE(Fixture, "a chain comes with its readable and writable buffers in order") {
    const auto head = ring.chain().readable("abc").readable("de").writable(3).writable(4).publish();
    auto device = queue();
    auto chain = std::move(*device.pop().value());
    CHECK(chain.head == head);
    CHECK(chain.readable.size() == 2);
    CHECK(chain.readable_bytes == 5);
    CHECK(chain.writable_bytes == 7);
    CHECK(text_of(chain) == "abcde");
    CHECK(copy_to_iovecs(chain.writable, 0, std::as_bytes(std::span("vwxyz", 5))) == 5);
    REQUIRE(device.push_used(std::move(chain), 5));
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 1);
    CHECK(used[0].head == head);
    CHECK(used[0].bytes == "vwxyz");
}

TEST_CASE_FIXTURE(Fixture, "a chain in an indirect table is like any other; also behind a direct one") {
    const auto table = guest.allocate(4096);
    REQUIRE(guest.memory().write_object(table, fake::Descriptor{buffer, 4, fake::flag_write, 0}));
    ring.chain().readable("abc").writable(8).indirect().publish();
    // The WRITE flag of the descriptor that points to the table means nothing.
    ring.chain().readable("de").raw(table, 16, fake::flag_indirect | fake::flag_write).publish();
    auto device = queue();
    const auto first = std::move(*device.pop().value());
    CHECK(text_of(first) == "abc");
    CHECK(first.writable_bytes == 8);
    const auto second = std::move(*device.pop().value());
    CHECK(text_of(second) == "de");
    CHECK(second.writable_bytes == 4);
}

TEST_CASE_FIXTURE(Fixture, "a chain as long as the queue is allowed") {
    auto builder = ring.chain();
    for (unsigned i = 0; i < ring_size; ++i)
        builder.readable("x");
    builder.publish();
    auto device = queue();
    CHECK(text_of(*device.pop().value()) == std::string(ring_size, 'x'));
}

TEST_CASE_FIXTURE(Fixture, "descriptors changed after pop change nothing") {
    const auto head = ring.chain().readable("abc").publish();
    auto device = queue();
    const auto chain = std::move(*device.pop().value());
    ring.poke_descriptor(head, {FakeGuest::in_hole, 0xffffffff, 0, 0});
    CHECK(text_of(chain) == "abc");
}

TEST_CASE_FIXTURE(Fixture, "buffers may be in high RAM, or in the rings themselves") {
    ring.chain().raw(FakeGuest::high_end - 4, 4).publish();
    ring.chain().raw(ring.layout().descriptor_table, 16, fake::flag_write).publish();
    auto device = queue();
    CHECK(device.pop().value()->readable_bytes == 4);
    CHECK(device.pop().value()->writable_bytes == 16);
}

TEST_CASE_FIXTURE(Fixture, "the same head twice is served twice") {
    const auto head = ring.chain().readable("abc").publish();
    ring.publish_head(head);
    auto device = queue();
    CHECK(device.pop().value()->head == head);
    CHECK(device.pop().value()->head == head);
    CHECK_FALSE(device.pop().value());
}

TEST_CASE_FIXTURE(Fixture, "chains may be given back in another order") {
    const auto first = ring.chain().writable(1).publish();
    const auto second = ring.chain().writable(1).publish();
    auto device = queue();
    auto a = std::move(*device.pop().value());
    auto b = std::move(*device.pop().value());
    REQUIRE(device.push_used(std::move(b), 1));
    REQUIRE(device.push_used(std::move(a), 0));
    const auto used = ring.collect_used();
    REQUIRE(used.size() == 2);
    CHECK(used[0].head == second);
    CHECK(used[1].head == first);
}

TEST_CASE_FIXTURE(Fixture, "undo_pop gives the same chain again") {
    ring.chain().readable("abc").publish();
    auto device = queue();
    REQUIRE(device.pop().value());
    device.undo_pop();
    CHECK(device.enable_notifications());
    CHECK(text_of(*device.pop().value()) == "abc");
    CHECK_FALSE(device.pop().value());
}

TEST_CASE_FIXTURE(Fixture, "indices run on past 65535") {
    auto device = queue(true);
    for (unsigned i = 0; i < 0x10010; ++i) {
        ring.chain().writable(1).publish();
        auto chain = std::move(*device.pop().value());
        REQUIRE(device.push_used(std::move(chain), 1));
        REQUIRE(ring.collect_used().size() == 1);
    }
    CHECK(device.next_available() == 0x10);
    CHECK(device.next_used() == 0x10);
}

// Who wakes whom.

TEST_CASE_FIXTURE(Fixture, "without event index, flags suppress interrupts and kicks") {
    auto device = queue();
    const auto serve = [&] {
        ring.chain().writable(1).publish();
        REQUIRE(device.push_used(std::move(*device.pop().value()), 1));
    };
    CHECK_FALSE(device.needs_interrupt());
    serve();
    CHECK(device.needs_interrupt());
    CHECK_FALSE(device.needs_interrupt());
    ring.set_no_interrupt(true);
    serve();
    CHECK_FALSE(device.needs_interrupt());

    CHECK(ring.wants_kick(false));
    device.disable_notifications();
    ring.chain().writable(1).publish();
    CHECK_FALSE(ring.wants_kick(false));
    CHECK(device.enable_notifications());
    REQUIRE(device.pop().value());
    CHECK_FALSE(device.enable_notifications());
    ring.chain().writable(1).publish();
    CHECK(ring.wants_kick(false));
}

TEST_CASE_FIXTURE(Fixture, "with event index, an interrupt comes when the used index passes used_event") {
    auto device = queue(true);
    const auto serve = [&] {
        ring.chain().writable(1).publish();
        REQUIRE(device.push_used(std::move(*device.pop().value()), 1));
    };
    serve();
    CHECK(device.needs_interrupt());
    ring.set_used_event(2);
    serve();
    CHECK_FALSE(device.needs_interrupt());
    serve();
    CHECK(device.needs_interrupt());
    serve();
    CHECK_FALSE(device.needs_interrupt());
}

TEST_CASE_FIXTURE(Fixture,
                  "with event index, the driver kicks for the next chain after enable_notifications") {
    auto device = queue(true);
    ring.chain().writable(1).publish();
    CHECK(ring.wants_kick(true));
    REQUIRE(device.pop().value());
    device.disable_notifications();
    ring.chain().writable(1).publish();
    CHECK_FALSE(ring.wants_kick(true));
    CHECK(device.enable_notifications());
    REQUIRE(device.pop().value());
    CHECK_FALSE(device.enable_notifications());
    ring.chain().writable(1).publish();
    CHECK(ring.wants_kick(true));
}

TEST_CASE_FIXTURE(Fixture, "any event index that the driver writes only decides about interrupts") {
    auto device = queue(true);
    for (const std::uint16_t event : std::to_array<std::uint16_t>({0, 1, 0x7fff, 0x8000, 0xffff})) {
        ring.set_used_event(event);
        ring.chain().writable(1).publish();
        REQUIRE(device.push_used(std::move(*device.pop().value()), 0));
        device.needs_interrupt();
        CHECK(ring.collect_used().size() == 1);
    }
}

// Copies.

TEST_CASE("copies begin at the offset and end with the shorter side") {
    std::string a = "abc";
    std::string b = "defg";
    const std::vector<iovec> parts{{a.data(), a.size()}, {b.data(), b.size()}};
    const auto copy = [&](std::size_t offset, std::size_t length) {
        std::string target(length, '.');
        const auto count = copy_from_iovecs(parts, offset, std::as_writable_bytes(std::span(target)));
        return target.substr(0, count);
    };
    CHECK(copy(0, 100) == "abcdefg");
    CHECK(copy(1, 3) == "bcd");
    CHECK(copy(3, 2) == "de");
    CHECK(copy(6, 5) == "g");
    CHECK(copy(7, 5).empty());
    CHECK(copy(100, 5).empty());
    CHECK(copy(0, 0).empty());
    CHECK(copy_to_iovecs(parts, 2, std::as_bytes(std::span("XYZ", 3))) == 3);
    CHECK(a + b == "abXYZfg");
    CHECK(copy_to_iovecs(parts, 5, std::as_bytes(std::span("12345", 5))) == 2);
    CHECK(copy_to_iovecs(parts, 8, std::as_bytes(std::span("1", 1))) == 0);
    CHECK(a + b == "abXYZ12");
}
