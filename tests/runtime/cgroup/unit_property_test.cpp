#include "runtime/cgroup/unit_property.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// "name signature word…", or "error".
std::string annotated(const std::string& name, const std::string& text) {
    const auto property = annotated_property(name, text);
    if (!property)
        return "error";
    std::string line = property->name + " " + property->signature;
    for (const auto& word : property->words)
        line += " " + word;
    return line;
}

std::vector<UnitProperty> properties(const std::vector<CgroupSetting>& settings) {
    return unit_properties(settings).value();
}

}  // namespace

TEST_CASE("what is no property or no value is refused") {
    for (const auto& [name, text] :
         std::vector<std::pair<std::string, std::string>>{{"Xo", "1"},
                                                          {"Number1", "1"},
                                                          {"Name=Other", "1"},
                                                          {"ValidName", "invalid-value"},
                                                          {"ValidName", ""},
                                                          {"ValidName", "'open"},
                                                          {"ValidName", "'open\\"},
                                                          {"ValidName", "1 2"},
                                                          {"ValidName", "byte 256"},
                                                          {"ValidName", "uint32 -1"},
                                                          {"ValidName", "uint64 'a'"},
                                                          {"ValidName", "4294967296"},
                                                          {"ValidName", "[]"},
                                                          {"ValidName", "['a', 1]"},
                                                          {"ValidName", "['a'"},
                                                          {"ValidName", "['a' 'b']"},
                                                          {"ValidName", "[['a']]"},
                                                          {"ValidName", "@aas [['a']]"},
                                                          {"ValidName", "@s ['a']"},
                                                          {"ValidName", "{'a': 1}"},
                                                          {"ValidName", "(1, 2)"},
                                                          {"TimeoutStopSec", "false"},
                                                          {"TimeoutStopSec", "'covfefe'"},
                                                          {"TimeoutStopSec", "-1"},
                                                          {"TimeoutStopSec", "uint64 18446744073709551615"},
                                                          {"TimeoutStopSec", "nan"}}) {
        CHECK(annotated(name, text) == "error");
    }
}

TEST_CASE("values in GVariant's text format") {
    CHECK(annotated("KillSignal", "15") == "KillSignal i 15");
    CHECK(annotated("TimeoutStopUSec", "uint64 123456789") == "TimeoutStopUSec t 123456789");
    CHECK(annotated("SendSIGHUP", "true") == "SendSIGHUP b true");
    CHECK(annotated("CollectMode", "'inactive-or-failed'") == "CollectMode s inactive-or-failed");
    CHECK(annotated("Description", "\"it's\"") == "Description s it's");
    CHECK(annotated("Description", "'it\\'s'") == "Description s it's");
    CHECK(annotated("Description", "string 'a b'") == "Description s a b");
    CHECK(annotated("Number", "1.5") == "Number d 1.5");
    CHECK(annotated("After", "['a.service', 'b.service']") == "After as 2 a.service b.service");
    CHECK(annotated("After", "@as []") == "After as 0");
    CHECK(annotated("Numbers", " [ uint32 1, 2 ] ") == "Numbers au 2 1 2");
}

TEST_CASE("seconds, where systemd documents them, become microseconds") {
    for (const auto* type : {"", "byte ", "int16 ", "uint16 ", "int32 ", "uint32 ", "int64 ", "uint64 "})
        CHECK(annotated("TimeoutStopSec", std::string(type) + "123") == "TimeoutStopUSec t 123000000");
    CHECK(annotated("TimeoutStopSec", "234.789") == "TimeoutStopUSec t 234789000");
    CHECK(annotated("FOOSec", "123") == "FOOSec i 123");
    CHECK(annotated("Sec", "123") == "Sec i 123");
}

TEST_CASE("only annotations of that prefix are properties, and a wrong one is an error") {
    const auto found =
        annotated_properties({{"some.other.annotation", "0"}, {"org.systemd.property.KillSignal", "2"}});
    CHECK(found.value() == std::vector<UnitProperty>{{"KillSignal", "i", {"2"}}});
    CHECK(annotated_properties({{"org.systemd.property.KillSignal", "x"}}).error().message ==
          "annotation org.systemd.property.KillSignal=x value parse error: not a value of GVariant's text "
          "format");
}

TEST_CASE("limits become properties of systemd's own") {
    CHECK(properties({{"memory", "memory.max", "4096"},
                      {"cpu", "cpu.weight", "59"},
                      {"io", "io.weight", "10"},
                      {"io", "io.max", "8:0 rbps=1"}}) ==
          std::vector<UnitProperty>{number_property("MemoryMax", 4096), number_property("CPUWeight", 59),
                                    number_property("IOWeight", 10)});
    CHECK(properties({{"memory", "memory.limit_in_bytes", "4096"}, {"cpu", "cpu.shares", "512"}}) ==
          std::vector<UnitProperty>{number_property("MemoryLimit", 4096), number_property("CPUShares", 512)});
    CHECK(properties({{"memory", "memory.max", "max"}}) ==
          std::vector<UnitProperty>{number_property("MemoryMax", UINT64_MAX)});
    CHECK(properties({{"cpu", "cpu.idle", "1"}}) ==
          std::vector<UnitProperty>{number_property("CPUWeight", 0)});
    CHECK(properties({{"cpu", "cpu.idle", "0"}}).empty());
}

TEST_CASE("a set of CPUs is one bit each") {
    CHECK(properties({{"cpuset", "cpuset.cpus", "0-2,9"}, {"cpuset", "cpuset.mems", "0"}}) ==
          std::vector<UnitProperty>{{"AllowedCPUs", "ay", {"2", "7", "2"}},
                                    {"AllowedMemoryNodes", "ay", {"1", "1"}}});
    CHECK_FALSE(unit_properties({{"cpuset", "cpuset.cpus", "many"}}).has_value());
}

TEST_CASE("a CPU quota is kept in whole percents, rounded up, in the files too") {
    const std::vector<CgroupSetting> settings{{"cpu", "cpu.max", "12345 100000"}};
    CHECK(properties(settings) == std::vector<UnitProperty>{number_property("CPUQuotaPeriodUSec", 100'000),
                                                            number_property("CPUQuotaPerSecUSec", 130'000)});
    CHECK(rounded_for_systemd(settings) == std::vector<CgroupSetting>{{"cpu", "cpu.max", "13000 100000"}});
    CHECK(rounded_for_systemd({{"cpu", "cpu.cfs_period_us", "20000"}, {"cpu", "cpu.cfs_quota_us", "1"}}) ==
          std::vector<CgroupSetting>{{"cpu", "cpu.cfs_period_us", "20000"},
                                     {"cpu", "cpu.cfs_quota_us", "200"}});
}

TEST_CASE("no quota is infinity") {
    for (const auto& settings :
         {std::vector<CgroupSetting>{{"cpu", "cpu.max", "max 100000"}},
          std::vector<CgroupSetting>{{"cpu", "cpu.cfs_quota_us", "-1"}},
          std::vector<CgroupSetting>{{"cpu", "cpu.max", "18446744073709551615 100000"}}}) {
        CHECK(properties(settings).back() == number_property("CPUQuotaPerSecUSec", UINT64_MAX));
        CHECK(rounded_for_systemd(settings) == settings);
    }
}
