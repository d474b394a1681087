#include "runtime/check/kvm_probe.h"

#include <doctest/doctest.h>

using namespace nacre::check;

TEST_CASE("a KVM that emulates guest kernels is unfit, with the reason") {
    // One to two million instructions a second.
    CHECK(unfit_reason({100'000, 100'000'000, true})->find("at 1 million instructions a second") !=
          std::string::npos);
    CHECK(unfit_reason({100'000, 50'000'000, true})->find("it is emulated") != std::string::npos);
    CHECK(unfit_reason({100'000, 30'000, false})->find("popcnt") != std::string::npos);
}

TEST_CASE("hardware virtualisation is fit, also inside an emulated machine") {
    CHECK_FALSE(unfit_reason({100'000, 30'000, true}));
    CHECK_FALSE(unfit_reason({100'000, 5'000'000, true}));
    CHECK_FALSE(unfit_reason({100'000, 0, true}));
}
