#include "guest-agent/container/process_table.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace nacre::agent;

namespace {
constexpr ProcessClock clock_at_100{100, 60};
constexpr std::string_view tail = " 1 7 7 34816 -1 4194560 100 0 0 0 250 150 0 0 20 0 1 0 4000\n";
}  // namespace

TEST_CASE("text that is not of /proc/<pid>/stat is no process") {
    for (const auto* text :
         {"", " ", "7", "7 (", "7 (sh)", "7 (sh) S 1", ") (", "x (sh) S 1 7 7 0 -1 4 1 0 0 0 2 1",
          "7 (sh) S -1 7 7 0 -1 4 1 0 0 0 2 1 0 0 20 0 1 0 9",
          "7 (sh) S 1 7 7 0 -1 4 1 0 0 0 x 1 0 0 20 0 1 0 9"})
        CHECK_FALSE(parse_process_stat(text, "", clock_at_100));
}

TEST_CASE("a name may look like the end of itself") {
    const auto process = parse_process_stat("7 (a) R 9 (b) S" + std::string(tail), "", clock_at_100);
    REQUIRE(process);
    CHECK(process->pid == 7);
    CHECK(process->parent == 1);
    CHECK(process->state == "S");
    CHECK(process->command == "[a) R 9 (b]");
}

TEST_CASE("CPU time is in whole seconds, the command line one bounded printable line") {
    const std::string cmdline("sh\0-c\0\x1b[31m\n\0", 13);
    const auto process = parse_process_stat("7 (sh) S" + std::string(tail), cmdline, clock_at_100);
    REQUIRE(process);
    CHECK(process->cpu_seconds == 4);
    CHECK(process->age_seconds == 20);
    CHECK(process->terminal == "pts/0");
    CHECK(process->name == "sh");
    CHECK(process->command == "sh -c ?[31m?");
    CHECK(
        parse_process_stat("7 (sh) S" + std::string(tail), std::string(9999, 'x'), {0, 0})->command.size() ==
        256);
}

TEST_CASE("processes that are gone are left out") {
    const auto own = describe_processes({::getpid(), 0, -1, 2147483647});
    REQUIRE(own.processes.size() == 1);
    CHECK(own.processes[0].pid == static_cast<std::uint32_t>(::getpid()));
    CHECK(own.processes[0].uid == ::geteuid());
    CHECK(own.left_out == 0);
}

TEST_CASE("more processes than an answer holds are counted") {
    const auto many = describe_processes(std::vector<pid_t>(4100, ::getpid()));
    CHECK(many.processes.size() == 4096);
    CHECK(many.left_out == 4);
}

TEST_CASE("terminals are named by their device number") {
    CHECK(terminal_name(0) == "?");
    CHECK(terminal_name(-1) == "?");
    CHECK(terminal_name(0x0501) == "?");
    CHECK(terminal_name(0x8803) == "pts/3");
    CHECK(terminal_name(0x8901) == "pts/257");
}
