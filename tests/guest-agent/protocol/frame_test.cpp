#include "guest-agent/protocol/frame.h"

#include <doctest/doctest.h>

#include <string>

using namespace nacre;
using protocol::FrameReader;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string framed(std::string_view payload) {
    return protocol::frame(payload).value();
}

}  // namespace

TEST_CASE("a length over the limit is refused as soon as the header is complete") {
    FrameReader reader;
    REQUIRE(reader.add(bytes_of(std::string("\x01\x00\x40", 3))));
    CHECK_FALSE(reader.add(bytes_of(std::string("\x00", 1))));
    CHECK_FALSE(FrameReader().add(bytes_of("\xff\xff\xff\xff")));
}

TEST_CASE("no more than one longest frame is held") {
    FrameReader reader;
    const std::string flood(protocol::max_frame_bytes, '\0');
    REQUIRE(reader.add(bytes_of(flood)));
    CHECK_FALSE(reader.add(bytes_of(flood)));
}

TEST_CASE("a payload over the limit is not framed") {
    CHECK_FALSE(protocol::frame(std::string(protocol::max_frame_bytes + 1, 'x')));
    CHECK(protocol::frame(std::string(protocol::max_frame_bytes, 'x')));
}

TEST_CASE("a bad length behind a good frame gives no payload and is refused with the next bytes") {
    FrameReader reader;
    REQUIRE(reader.add(bytes_of(framed("a") + "\xff\xff\xff\xff")));
    CHECK(reader.next() == "a");
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.add(bytes_of("x")));
}

TEST_CASE("a frame is a little-endian length and the payload") {
    CHECK(framed("abc") == std::string("\x03\x00\x00\x00"
                                       "abc",
                                       7));
}

TEST_CASE("an empty payload is a frame") {
    FrameReader reader;
    REQUIRE(reader.add(bytes_of(framed(""))));
    CHECK(reader.next() == "");
    CHECK_FALSE(reader.next());
}

TEST_CASE("payloads come out whole however the bytes arrive") {
    const std::string stream = framed("one") + framed("") + framed("three");
    FrameReader reader;
    std::vector<std::string> payloads;
    for (const char& c : stream) {
        REQUIRE(reader.add(std::as_bytes(std::span(&c, 1))));
        while (auto payload = reader.next())
            payloads.push_back(*payload);
    }
    CHECK(payloads == std::vector<std::string>{"one", "", "three"});
}

TEST_CASE("wanted never reaches past the frame") {
    FrameReader reader;
    CHECK(reader.wanted() == 4);
    const std::string bytes = framed("abcde");
    REQUIRE(reader.add(bytes_of(bytes.substr(0, 1))));
    CHECK(reader.wanted() == 3);
    REQUIRE(reader.add(bytes_of(bytes.substr(1, 3))));
    CHECK(reader.wanted() == 5);
    REQUIRE(reader.add(bytes_of(bytes.substr(4, 2))));
    CHECK(reader.wanted() == 3);
    REQUIRE(reader.add(bytes_of(bytes.substr(6))));
    CHECK(reader.next() == "abcde");
    CHECK(reader.wanted() == 4);
}
