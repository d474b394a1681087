#include "guest-agent/online_cpus.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/guest-agent/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::agent;
using nacre::test::TemporaryDirectory;

namespace {

/// sysfs with CPU 0, which cannot be switched, and others that are as `online` says: "101" is CPUs 1 and 3.
struct Sysfs {
    explicit Sysfs(const std::string& online) {
        std::filesystem::create_directories(cpu(0));
        for (std::size_t i = 0; i < online.size(); ++i) {
            std::filesystem::create_directories(cpu(i + 1));
            std::ofstream(cpu(i + 1) + "/online") << online[i] << '\n';
        }
    }
    std::string cpu(std::size_t number) const {
        return directory.path() + "/devices/system/cpu/cpu" + std::to_string(number);
    }
    /// As given to the constructor.
    std::string online() const {
        std::string text;
        for (std::size_t i = 1; std::filesystem::exists(cpu(i) + "/online"); ++i)
            text += read_file(cpu(i) + "/online", 16).value().front();
        return text;
    }
    std::uint32_t set(std::uint32_t at_least, std::uint32_t at_most) const {
        return set_online_cpus(directory.path(), at_least, at_most);
    }

    TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("a machine with one CPU has one online, whatever is asked for") {
    const Sysfs sysfs("");
    CHECK(sysfs.set(4, 4) == 1);
    CHECK(sysfs.set(0, 0) == 1);
}

TEST_CASE("more than there are is as many as there are") {
    const Sysfs sysfs("000");
    CHECK(sysfs.set(UINT32_MAX, UINT32_MAX) == 4);
    CHECK(sysfs.online() == "111");
}

TEST_CASE("a CPU that the kernel does not switch is seen in the count") {
    const Sysfs sysfs("00");
    std::filesystem::remove(sysfs.cpu(1) + "/online");
    std::filesystem::create_directory(sysfs.cpu(1) + "/online");
    CHECK(sysfs.set(3, 3) == 1);
}

TEST_CASE("the lowest go online, the highest offline") {
    const Sysfs sysfs("0100");
    CHECK(sysfs.set(3, 3) == 3);
    CHECK(sysfs.online() == "1100");
    CHECK(sysfs.set(1, 2) == 2);
    CHECK(sysfs.online() == "1000");
}

TEST_CASE("what is within the bounds stays") {
    const Sysfs sysfs("0110");
    CHECK(sysfs.set(1, 4) == 3);
    CHECK(sysfs.set(3, UINT32_MAX) == 3);
    CHECK(sysfs.online() == "0110");
}
