#include "runtime/network/loopback_listener.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

TEST_CASE("every jump of the program lands within it, and it always ends with the packet passed") {
    const auto program = loopback_program(5);
    REQUIRE(program.size() > 2);
    CHECK(program.back().code == (BPF_JMP | BPF_EXIT));
    CHECK(program[program.size() - 2].imm == SK_PASS);
    for (std::size_t i = 0; i < program.size(); ++i) {
        const auto kind = BPF_CLASS(program[i].code);
        if (kind != BPF_JMP && kind != BPF_JMP32)
            continue;
        CHECK(program[i].off >= 0);
        CHECK(i + 1 + static_cast<std::size_t>(program[i].off) <= program.size());
    }
}
