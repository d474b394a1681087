#include "runtime/commands/process_columns.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace nacre;
using namespace nacre::commands;

namespace {

using Words = std::vector<std::string>;

std::string refusal_of(const Words& options) {
    const auto columns = process_columns(options);
    return columns ? "accepted" : columns.error().message;
}

std::string table_of(const Words& options, const std::vector<protocol::GuestProcess>& processes) {
    const auto columns = process_columns(options);
    REQUIRE(columns);
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return process_table(processes, *columns, 1'000'000'000);  // 2001-09-09 01:46:40 UTC
}

protocol::GuestProcess shell() {
    return {52, 1, 0, 100'000, 200, "S", "pts/0", "sh", "sh -c x"};
}

}  // namespace

TEST_CASE("options that ps on a guest cannot honour are refused, and columns without pids as runc does") {
    CHECK(refusal_of({"aux"}).starts_with("ps option \"aux\" is not supported"));
    CHECK(refusal_of({"--forest"}).starts_with("ps option \"--forest\" is not supported"));
    CHECK(refusal_of({"-o"}) == "ps: format specification must follow -o");
    CHECK(refusal_of({"-o", "nosuch"}) == "ps: unknown user-defined format specifier \"nosuch\"");
    CHECK(refusal_of({"-o", "comm"}) == "couldn't find PID field in ps output");
    CHECK(refusal_of({"-o", ""}) == "couldn't find PID field in ps output");
}

TEST_CASE("without processes there are the headers of ps -ef alone") {
    const auto headers = "UID          PID    PPID  C STIME TTY          TIME CMD\n";
    CHECK(table_of({}, {}) == headers);
    CHECK(table_of({"-ef"}, {}) == headers);
    CHECK(table_of({"-e", "-f"}, {}) == headers);
}

TEST_CASE("a process is one line") {
    CHECK(table_of({}, {shell()}).substr(56) ==
          "root          52       1 99 01:43 pts/0    1-03:46:40 sh -c x\n");
    CHECK(table_of({"-o", "pid,comm=NAME", "-oetime,s"}, {shell()}) ==
          "    PID NAME                ELAPSED S\n"
          "     52 sh                 00:03:20 S\n");
    CHECK(table_of({"-e"}, {shell()}).starts_with("    PID TTY          TIME CMD\n"));
    CHECK(table_of({"-e", "-x"}, {shell()}).starts_with("    PID TTY      STAT     TIME COMMAND\n"));
}

TEST_CASE("a start on another day is a date, in another year a year") {
    auto process = shell();
    process.age_seconds = 2 * 60 * 60;
    CHECK(table_of({"-o", "pid,stime"}, {process}).ends_with(" Sep08\n"));
    process.age_seconds = 300 * 24 * 60 * 60;
    CHECK(table_of({"-o", "pid,stime"}, {process}).ends_with(" 2000\n"));
}
