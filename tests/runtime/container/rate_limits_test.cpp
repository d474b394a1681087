#include "runtime/container/rate_limits.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

std::string refusal(const oci::StringMap& annotations) {
    const auto limits = rate_limits(annotations);
    REQUIRE_FALSE(limits);
    return limits.error().message;
}

}  // namespace

TEST_CASE("without annotations of nacre there are no limits") {
    const auto limits = rate_limits({{"io.nacre.other", "x"}, {"org.example.rate", "-1"}}).value();
    CHECK_FALSE(limits.block.any());
    CHECK_FALSE(limits.receive.any());
    CHECK_FALSE(limits.transmit.any());
}

TEST_CASE("each direction and kind has its own limit") {
    const auto limits = rate_limits({{"io.nacre.block.bytes-per-second", "1048576"},
                                     {"io.nacre.block.bytes-burst", "65536"},
                                     {"io.nacre.block.operations-per-second", "100"},
                                     {"io.nacre.block.operations-burst", "7"},
                                     {"io.nacre.net.rx.bytes-per-second", "2000000"},
                                     {"io.nacre.net.tx.operations-per-second", "50"}})
                            .value();
    CHECK(limits.block.bytes_per_second == 1048576);
    CHECK(limits.block.bytes_burst == 65536);
    CHECK(limits.block.operations_per_second == 100);
    CHECK(limits.block.operations_burst == 7);
    CHECK(limits.receive.bytes_per_second == 2000000);
    CHECK(limits.receive.operations_per_second == 0);
    CHECK(limits.transmit.bytes_per_second == 0);
    CHECK(limits.transmit.operations_per_second == 50);
}

TEST_CASE("a burst that is not said is a second's worth") {
    const auto limits = rate_limits({{"io.nacre.net.tx.bytes-per-second", "100000"}}).value();
    CHECK(limits.transmit.bytes_burst == 100000);
}

TEST_CASE("what is no number within the bounds is refused, with the annotation, its value and the bounds") {
    for (const auto* text : {"", "x", "1e6", "1000000x", " 1000000", "+1000000", "-1", "0x100000", "0",
                             "65535", "8589934593", "18446744073709551616", "1000000\n"}) {
        CAPTURE(text);
        const auto message = refusal({{"io.nacre.block.bytes-per-second", text}});
        CHECK(message.starts_with("annotation io.nacre.block.bytes-per-second: \""));
        CHECK(message.ends_with("\" is not a number from 65536 to 8589934592"));
        CHECK(message.find('\n') == std::string::npos);
    }
}

TEST_CASE("a value without end makes no line without end") {
    CHECK(refusal({{"io.nacre.net.rx.operations-per-second", std::string(100000, '9')}}).size() < 200);
}

TEST_CASE("a burst without a rate, or of more than an hour, is refused") {
    CHECK(refusal({{"io.nacre.net.rx.operations-burst", "5"}}) ==
          "annotation io.nacre.net.rx.operations-burst: it needs io.nacre.net.rx.operations-per-second");
    CHECK(refusal(
              {{"io.nacre.block.operations-per-second", "2"}, {"io.nacre.block.operations-burst", "7201"}}) ==
          "annotation io.nacre.block.operations-burst: \"7201\" is not a number from 1 to 7200");
}
