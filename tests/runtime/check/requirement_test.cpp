#include "runtime/check/requirement.h"

#include <doctest/doctest.h>

using namespace nacre::check;

namespace {
const Verdict host{"this host can run nacre", "this host cannot run nacre"};
}

TEST_CASE("every requirement is a line, a failed one with its remedy, and the verdict comes last") {
    const std::vector<Requirement> requirements{pass("memory", "5 MiB"),
                                                miss("KVM device", "not\nthere", "buy one")};
    CHECK_FALSE(all_passed(requirements));
    CHECK(report(requirements, host) ==
          "pass  memory: 5 MiB\n"
          "FAIL  KVM device: not there. Remedy: buy one\n"
          "this host cannot run nacre: 1 of 2 requirements failed\n");
}

TEST_CASE("a host that passes everything is said to be able") {
    const std::vector<Requirement> requirements{pass("memory", "5 MiB")};
    CHECK(all_passed(requirements));
    CHECK(report(requirements, host) == "pass  memory: 5 MiB\nthis host can run nacre\n");
}
