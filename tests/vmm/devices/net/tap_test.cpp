#include "vmm/devices/net/tap.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "tests/vmm/devices/net/socket_tap.h"

using namespace nacre;
using namespace nacre::net;

TEST_CASE("what is no tap is refused") {
    CHECK_FALSE(open_tap(FileDescriptor(), false));
    CHECK_FALSE(open_tap(FileDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), false));
    const fake::Wire wire;
    CHECK_FALSE(open_tap(FileDescriptor(::fcntl(wire.tap(), F_DUPFD_CLOEXEC, 0)), false));
}
