#include "vmm/machine/timeline.h"

#include <doctest/doctest.h>

namespace nacre::machine {
namespace {

TEST_CASE("a phase that was not reached has no time") {
    const Timeline timeline;
    CHECK(timeline.get(Phase::end) == 0);
}

TEST_CASE("the first time counts, and later phases are not earlier") {
    Timeline timeline;
    timeline.mark(Phase::process_start);
    const auto first = timeline.get(Phase::process_start);
    CHECK(first > 0);
    timeline.mark(Phase::config_read);
    timeline.mark(Phase::process_start);
    CHECK(timeline.get(Phase::process_start) == first);
    CHECK(timeline.get(Phase::config_read) >= first);
}

}  // namespace
}  // namespace nacre::machine
