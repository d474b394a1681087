#include "runtime/container/device_slots.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("there is room for four interfaces, the disks, and a pod's disks that come later") {
    CHECK(device_slots(0, 0, false) == 4);
    CHECK(device_slots(1, 2, false) == 6);
    CHECK(device_slots(0, 0, true) == 10);
}

TEST_CASE("interfaces that are known all have room, up to what a VM can have") {
    CHECK(device_slots(7, 0, false) == 7);
    CHECK(device_slots(7, 0, true) == 13);
    CHECK(device_slots(12, 0, true) == 13);
    CHECK(device_slots(12, 1, false) == 13);
    // Four that may come are not held against disks that are there.
    CHECK(device_slots(0, 13, false) == 13);
}

TEST_CASE("more than a VM can have is an error") {
    CHECK_FALSE(device_slots(14, 0, false));
    CHECK_FALSE(device_slots(8, 6, true));
}
