#include "runtime/container/resources.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

std::string merged(const std::string& current, const std::string& change) {
    const auto result = merge_resources(current, change);
    return result ? *result : "refused: " + result.error().message;
}

oci::Resources limits(std::int64_t memory, std::int64_t quota, std::uint64_t period) {
    oci::Resources resources;
    resources.memory.emplace().limit = memory;
    resources.cpu.emplace().quota = quota;
    resources.cpu->period = period;
    return resources;
}

std::string refusal_of(const oci::Resources& wanted, const oci::Resources& present, const VmSize& size) {
    const auto result = check_fits(wanted, present, {size.vcpus, size.memory_bytes}, size);
    return result ? "accepted" : result.error().message;
}

constexpr std::int64_t mebibyte = 1 << 20;

}  // namespace

TEST_CASE("a change that is no JSON object is refused") {
    for (const auto* text : {"", "nonsense", "[]", "null", "1", "{"})
        CHECK(merged("{}", text).starts_with("refused: "));
}

TEST_CASE("what a change names is replaced, all else stays") {
    CHECK(merged(R"({"memory":{"limit":1,"swap":2},"pids":{"limit":5}})", R"({"memory":{"limit":7}})") ==
          R"({"memory":{"limit":7,"swap":8},"pids":{"limit":5}})");
    CHECK(merged(R"({"cpu":{"shares":5}})", R"({"cpu":{"shares":null,"quota":1},"pids":null})") ==
          R"({"cpu":{"shares":5,"quota":1}})");
    CHECK(merged("{}", R"({"memory":{"limit":7}})") == R"({"memory":{"limit":7}})");
    CHECK(merged(R"({"hugepageLimits":[1,2]})", R"({"hugepageLimits":[3]})") == R"({"hugepageLimits":[3]})");
}

TEST_CASE("rules for devices cannot be changed") {
    CHECK(merged(R"({"devices":[1]})", R"({"devices":[]})") == R"({"devices":[1]})");
}

TEST_CASE("a limit of memory alone leaves that of swap alone, which the combined one follows") {
    const std::string present = R"({"memory":{"limit":30,"swap":50}})";
    CHECK(merged(present, R"({"memory":{"limit":60}})") == R"({"memory":{"limit":60,"swap":80}})");
    CHECK(merged(present, R"({"memory":{"limit":10,"swap":0}})") == R"({"memory":{"limit":10,"swap":30}})");
    CHECK(merged(present, R"({"memory":{"limit":60,"swap":70}})") == R"({"memory":{"limit":60,"swap":70}})");
    CHECK(merged(present, R"({"memory":{"limit":0}})") == R"({"memory":{"limit":0,"swap":50}})");
    CHECK(merged(R"({"memory":{"limit":30,"swap":-1}})", R"({"memory":{"limit":60,"swap":0}})") ==
          R"({"memory":{"limit":60,"swap":-1}})");
    CHECK(merged(R"({"memory":{"limit":30}})", R"({"memory":{"limit":60}})") == R"({"memory":{"limit":60}})");
    CHECK(merged(R"({"memory":{"limit":1,"swap":9223372036854775807}})", R"({"memory":{"limit":2}})") ==
          R"({"memory":{"limit":2,"swap":9223372036854775807}})");
}

TEST_CASE("without a limit of memory there is none of swap, unless one is named") {
    CHECK(merged(R"({"memory":{"limit":7,"swap":9}})", R"({"memory":{"limit":-1}})") ==
          R"({"memory":{"limit":-1,"swap":-1}})");
    CHECK(merged(R"({"memory":{"limit":7}})", R"({"memory":{"limit":-1,"swap":0}})") ==
          R"({"memory":{"limit":-1,"swap":-1}})");
    CHECK(merged(R"({"memory":{"swap":9}})", R"({"memory":{"limit":-1,"swap":8}})") ==
          R"({"memory":{"swap":8,"limit":-1}})");
    CHECK(merged(R"({"memory":{"swap":9}})", R"({"memory":{"limit":"-1"}})") ==
          R"({"memory":{"swap":9,"limit":"-1"}})");
    CHECK(merged(R"({"memory":{"swap":9}})", R"({"memory":[]})") == R"({"memory":[]})");
}

TEST_CASE("a limit outdoes what the unified map said of it before, not what it says with it") {
    CHECK(merged(R"({"unified":{"cpu.max":"max 100000","memory.high":"5"}})", R"({"cpu":{"quota":5}})") ==
          R"({"unified":{"memory.high":"5"},"cpu":{"quota":5}})");
    CHECK(merged(R"({"unified":{"pids.max":"9"}})", R"({"pids":{"limit":5},"unified":{"pids.max":"7"}})") ==
          R"({"unified":{"pids.max":"7"},"pids":{"limit":5}})");
    CHECK(merged(R"({"unified":{"cpu.idle":"1"}})", R"({"cpu":{"idle":0}})") ==
          R"({"unified":{},"cpu":{"idle":0}})");
}

TEST_CASE("a limit that is not given leaves the unified map") {
    const std::string present = R"({"unified":{"cpu.max":"5 1000","cpuset.cpus":"0","memory.max":"5"}})";
    for (const auto* cpu : {R"("quota":0,"period":0,"cpus":"")", R"("quota":null)", ""})
        CHECK(merged(present, fmt::format("{{\"cpu\":{{{}}}}}", cpu)).starts_with(present.substr(0, 60)));
    CHECK(merged(R"({"unified":[]})", R"({"cpu":{"quota":5}})") == R"({"unified":[],"cpu":{"quota":5}})");
}

TEST_CASE("limits that a VM of a fixed size cannot give are refused, with what it can") {
    const VmSize size{100 * mebibyte, 2, 100 * mebibyte};
    CHECK(refusal_of(limits(53 * mebibyte, 0, 0), {}, size).find("enough for a limit of 54525952") !=
          std::string::npos);
    CHECK(refusal_of(limits(INT64_MAX, 0, 0), {}, size).starts_with("memory limit 9223372036854775807:"));
    CHECK(refusal_of(limits(0, 300'000, 100'000), {}, size).find("has 2 CPU(s)") != std::string::npos);
    CHECK(refusal_of(limits(0, INT64_MAX, 0), {}, size).starts_with("CPU quota"));
}

TEST_CASE("only what is fixed is held against a limit") {
    const VmSize size{100 * mebibyte, 2, 100 * mebibyte};
    const auto wanted = limits(900 * mebibyte, 900'000, 100'000);
    CHECK(check_fits(wanted, {}, {}, size));
    CHECK_FALSE(check_fits(wanted, {}, {2, std::nullopt}, size));
    CHECK_FALSE(check_fits(wanted, {}, {std::nullopt, 100 * mebibyte}, size));
}

TEST_CASE("limits within the VM, none, and those that it has already are accepted") {
    const VmSize size{100 * mebibyte, 2, 100 * mebibyte};
    CHECK(refusal_of(limits(52 * mebibyte, 200'000, 100'000), {}, size) == "accepted");
    CHECK(refusal_of(limits(-1, -1, 100'000), {}, size) == "accepted");
    CHECK(refusal_of({}, {}, size) == "accepted");
    const auto present = limits(900 * mebibyte, 900'000, 100'000);
    CHECK(refusal_of(present, present, size) == "accepted");
}
