#include "vmm/devices/vsock/ring_buffer.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "vmm/devices/virtio/iovecs.h"

using namespace nacre::vsock;

namespace {

iovec piece(std::string& text) {
    return {text.data(), text.size()};
}

bool append(RingBuffer& ring, std::string text, std::size_t offset = 0) {
    const iovec source = piece(text);
    return ring.append({&source, 1}, offset);
}

std::string content(const RingBuffer& ring) {
    std::string text;
    for (const auto& part : ring.content())
        text.append(static_cast<const char*>(part.iov_base), part.iov_len);
    return text;
}

}  // namespace

TEST_CASE("a ring takes no more than its capacity, and then nothing of it") {
    RingBuffer ring(4);
    CHECK_FALSE(append(ring, "12345"));
    CHECK(ring.empty());
    CHECK(append(ring, "123"));
    CHECK_FALSE(append(ring, "45"));
    CHECK(content(ring) == "123");
    CHECK(append(ring, "4"));
    CHECK(ring.room() == 0);
}

TEST_CASE("an offset past the source is refused") {
    RingBuffer ring(4);
    CHECK_FALSE(append(ring, "12", 3));
    CHECK(append(ring, "12", 2));
    CHECK(ring.empty());
}

TEST_CASE("a ring gives back what it took, in order, also around its end") {
    RingBuffer ring(5);
    std::string taken;
    std::string given;
    for (char next = 'a'; next < 'z'; ++next) {
        const std::string three{next, static_cast<char>(next + 1), static_cast<char>(next + 2)};
        REQUIRE(append(ring, three));
        taken += three;
        given += content(ring);
        ring.consume(2);
        given.resize(given.size() - 1);
        ring.consume(1);
        given += three.back();
        CHECK(ring.empty());
        CHECK(given == taken);
    }
}

TEST_CASE("a ring that wraps shows its content in two pieces") {
    RingBuffer ring(4);
    REQUIRE(append(ring, "abcd"));
    ring.consume(3);
    REQUIRE(append(ring, "xefg", 1));
    CHECK(content(ring) == "defg");
    CHECK(ring.content()[0].iov_len == 1);
    CHECK(ring.content()[1].iov_len == 3);
}

TEST_CASE("a part of scattered pieces") {
    std::string first = "abc";
    std::string empty;
    std::string second = "defg";
    const std::vector<iovec> pieces{piece(first), piece(empty), piece(second)};
    CHECK(nacre::virtio::total_bytes(pieces) == 7);

    const auto part = [&](std::size_t offset, std::size_t length) {
        std::vector<iovec> target;
        const auto bytes = nacre::virtio::append_part(pieces, offset, length, target);
        std::string text;
        for (const auto& each : target)
            text.append(static_cast<const char*>(each.iov_base), each.iov_len);
        CHECK(text.size() == bytes);
        return text;
    };
    CHECK(part(0, 7) == "abcdefg");
    CHECK(part(2, 3) == "cde");
    CHECK(part(3, 100) == "defg");
    CHECK(part(7, 1).empty());
    CHECK(part(100, 1).empty());
    CHECK(part(1, 0).empty());
}
