#include "guest-agent/hotplug.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/guest-agent/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::agent;
using nacre::test::TemporaryDirectory;

namespace {

/// sysfs as a kernel shows it that binds a device to its driver at once.
struct Sysfs {
    Sysfs() {
        std::filesystem::create_directories(driver());
        std::ofstream(driver() + "/bind").close();
        std::ofstream(driver() + "/unbind").close();
    }
    std::string driver() const { return directory.path() + "/bus/platform/drivers/virtio-mmio"; }
    void add(const std::string& path) const {
        std::filesystem::create_directories(directory.path() + "/bus/platform/devices/" + path);
    }
    std::string written(const std::string& file) const {
        return read_file(driver() + "/" + file, 100).value_or("unreadable");
    }

    TemporaryDirectory directory;
};

}  // namespace

TEST_CASE_FIXTURE(Sysfs,
                  "a slot that the kernel does not know, or finds nothing in, is an error that names it") {
    const auto nothing = probe_device(directory.path(), 5);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().code == ENODEV);
    CHECK(nothing.error().message.find("device slot 5") != std::string::npos);
    std::filesystem::remove(driver() + "/bind");
    CHECK_FALSE(probe_device(directory.path(), 5));
}

TEST_CASE_FIXTURE(Sysfs, "an interface and a disk are found by their names") {
    add("virtio-mmio.5/virtio3/net/eth0");
    add("virtio-mmio.6/driver_override");
    add("virtio-mmio.6/virtio4/block/vda");
    const auto interface = probe_device(directory.path(), 5);
    REQUIRE(interface);
    CHECK(interface->kind == "net");
    CHECK(interface->name == "eth0");
    const auto disk = probe_device(directory.path(), 6);
    REQUIRE(disk);
    CHECK(disk->kind == "block");
    CHECK(disk->name == "vda");
    CHECK(written("bind").find("virtio-mmio.6") == 0);
}

TEST_CASE_FIXTURE(Sysfs, "a device that is neither has no name") {
    add("virtio-mmio.7/virtio0");
    const auto found = probe_device(directory.path(), 7);
    REQUIRE(found);
    CHECK(found->kind.empty());
}

TEST_CASE_FIXTURE(Sysfs, "a slot is released through the driver") {
    REQUIRE(release_device(directory.path(), 12));
    CHECK(written("unbind") == "virtio-mmio.12");
}
