#include "runtime/commands/signal_name.h"

#include <doctest/doctest.h>
#include <signal.h>

using namespace nacre::commands;

TEST_CASE("what is no signal is refused") {
    for (const auto* name : {"", "65", "-9", "9x", "BOGUS", "SIG", "SIGSIGTERM", "RTMIN+", "RTMIN+31",
                             "RTMAX-x", "99999999999"}) {
        CAPTURE(name);
        CHECK_FALSE(signal_number(name));
    }
    CHECK(signal_number("65").error().message == "unable to signal init: Invalid argument");
    CHECK(signal_number("BOGUS").error().message == "unknown signal \"BOGUS\"");
}

TEST_CASE("signals are given by number, or by name with or without SIG, in any case") {
    for (const auto* name : {"9", "KILL", "SIGKILL", "kill", "sigkill", "SigKill"})
        CHECK(*signal_number(name) == SIGKILL);
    CHECK(*signal_number("15") == SIGTERM);
    CHECK(*signal_number("WINCH") == SIGWINCH);
    CHECK(*signal_number("64") == 64);
    CHECK(*signal_number("0") == 0);
}

TEST_CASE("real-time signals count from the kernel's first and last") {
    CHECK(*signal_number("RTMIN") == 34);
    CHECK(*signal_number("SIGRTMIN+3") == 37);
    CHECK(*signal_number("RTMAX-1") == 63);
}
