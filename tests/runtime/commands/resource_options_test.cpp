#include "runtime/commands/resource_options.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::commands;

namespace {

std::string resources_from(const std::vector<std::string>& words) {
    const auto parsed = cli::parse_options(words, resource_options);
    REQUIRE(parsed);
    const auto resources = resources_of(*parsed);
    return resources ? *resources : resources.error().message;
}

}  // namespace

TEST_CASE("values that are no numbers are refused with the option's name") {
    CHECK(resources_from({"--memory", "100x"}) == "invalid value for memory: invalid size: '100x'");
    CHECK(resources_from({"--cpu-quota=x"}) == "invalid value for cpu-quota: parsing \"x\": invalid syntax");
    CHECK(resources_from({"--cpu-period=-1"}) ==
          "invalid value for cpu-period: parsing \"-1\": invalid syntax");
    CHECK(resources_from({"--cpu-share=99999999999999999999"}) ==
          "invalid value for cpu-share: parsing \"99999999999999999999\": value out of range");
}

TEST_CASE("options become the members of linux.resources that they stand for") {
    CHECK(resources_from({}) == R"({"memory":{},"cpu":{},"pids":{},"blockIO":{}})");
    CHECK(resources_from({"-m", "1m", "--memory-swap=-1", "--cpu-quota=-1", "--cpuset-cpus=0-1",
                          "--pids-limit=7", "--blkio-weight=500"}) ==
          R"({"memory":{"limit":1048576,"swap":-1},"cpu":{"quota":-1,"cpus":"0-1"},"pids":{"limit":7},)"
          R"("blockIO":{"weight":500}})");
}
