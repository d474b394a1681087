#include "runtime/container/statistics.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

using Files = std::vector<protocol::CgroupFile>;

bool has(const std::string& event, const std::string& part) {
    return event.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("files that are missing, cut off or nonsense count as nothing") {
    const std::string nothing = stats_event("c", {});
    CHECK(
        nothing ==
        R"({"type":"stats","id":"c","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},)"
        R"("cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,)"
        R"("memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,)"
        R"("sched_relax_domain_level":0},"memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,"failcnt":0},)"
        R"("kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},"raw":{}},"pids":{},"blkio":{},)"
        R"("hugetlb":{},"intel_rdt":{},"network_interfaces":null}})");
    for (const auto* text : {"", "\n", " ", "x", "-1\n", "99999999999999999999\n", "usage_usec\n",
                             "usage_usec x\n", "8:0 rbytes\n", "8:0 rbytes=x\n", "8 rbytes=1\n", ":= =:\n"}) {
        CAPTURE(text);
        CHECK(stats_event("c", {{"cpu.stat", text},
                                {"memory.current", text},
                                {"pids.current", text},
                                {"io.stat", text}}) == nothing);
    }
}

TEST_CASE("CPU times become nanoseconds") {
    const auto event =
        stats_event("c", {{"cpu.stat",
                           "usage_usec 7\nuser_usec 4\nsystem_usec 3\nnr_periods 9\nnr_throttled 2\n"
                           "throttled_usec 5\n"}});
    CHECK(has(event, R"("usage":{"total":7000,"kernel":3000,"user":4000})"));
    CHECK(has(event, R"("throttling":{"periods":9,"throttledPeriods":2,"throttledTime":5000})"));
}

TEST_CASE("memory: swap counts memory too, and no limit is the greatest number") {
    Files files{{"memory.current", "100\n"}, {"memory.max", "1000\n"},
                {"memory.peak", "300\n"},    {"memory.swap.current", "20\n"},
                {"memory.swap.max", "50\n"}, {"memory.stat", "anon 60\nfile 40\n"}};
    auto event = stats_event("c", files);
    CHECK(has(event, R"("cache":40,"usage":{"limit":1000,"usage":100,"max":300,"failcnt":0})"));
    CHECK(has(event, R"("swap":{"limit":1050,"usage":120,"failcnt":0})"));
    CHECK(has(event, R"("raw":{"anon":60,"file":40})"));
    files[1].content = files[4].content = "max\n";
    event = stats_event("c", files);
    CHECK(has(event, R"("usage":{"limit":18446744073709551615,)"));
    CHECK(has(event, R"("swap":{"limit":18446744073709551615,)"));
}

TEST_CASE("keys that no kernel writes are left out: what is printed is UTF-8 and has no control characters") {
    const auto event =
        stats_event("c", {{"memory.stat", "anon 60\n\xff 1\n\x1b[2J 2\nA 3\n 4\na-b 5\nworkingset_refault_anon 6\n"}});
    CHECK(has(event, R"("raw":{"anon":60,"workingset_refault_anon":6})"));
}

TEST_CASE("pids without a limit have none") {
    CHECK(has(stats_event("c", {{"pids.current", "3\n"}, {"pids.max", "max\n"}}), R"("pids":{"current":3})"));
    CHECK(has(stats_event("c", {{"pids.current", "3\n"}, {"pids.max", "5\n"}}),
              R"("pids":{"current":3,"limit":5})"));
}

TEST_CASE("block I/O is by device and direction") {
    CHECK(has(stats_event("c", {{"io.stat", "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"}}),
              R"("blkio":{"ioServiceBytesRecursive":[{"major":8,"minor":16,"op":"Read","value":1},)"
              R"({"major":8,"minor":16,"op":"Write","value":2}],)"
              R"("ioServicedRecursive":[{"major":8,"minor":16,"op":"Read","value":3},)"
              R"({"major":8,"minor":16,"op":"Write","value":4}]})"));
}

TEST_CASE("huge pages are by size, where the guest has them") {
    CHECK(has(stats_event("c", {{"hugetlb.2MB.current", "4194304\n"}, {"hugetlb.2MB.events", "max 2\n"}}),
              R"("hugetlb":{"2MB":{"usage":4194304,"failcnt":2}})"));
}

TEST_CASE("text is JSON whatever it is") {
    CHECK(oom_event("a\"b") == R"({"type":"oom","id":"a\"b"})");
}
