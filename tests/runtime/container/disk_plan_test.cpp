#include "runtime/container/disk_plan.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/runtime/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// A bundle whose root is a directory, and a configuration of it.
struct Fixture {
    TemporaryDirectory bundle;
    oci::Spec spec;

    Fixture() {
        ::mkdir((bundle.path() + "/rootfs").c_str(), 0755);
        spec.root = oci::Root{"rootfs", false};
    }

    void make_image(const std::string& name) const {
        const auto file = open_file(bundle.path() + "/" + name, O_WRONLY | O_CREAT, 0600);
        REQUIRE(file);
        REQUIRE(write_all(file->get(), std::string(4096, 'x')));
    }

    oci::Mount& add_mount(const std::string& type, const std::string& source,
                          std::vector<std::string> options = {}) {
        auto& mount = spec.mounts.emplace_back();
        mount.type = type;
        mount.source = source;
        mount.destination = "/data";
        mount.options = std::move(options);
        return mount;
    }

    void add_device(std::int64_t major, std::int64_t minor, char type = 'b') {
        auto& device = spec.linux.devices.emplace_back();
        device.path = "/dev/xvda";
        device.type = type;
        device.major = major;
        device.minor = minor;
    }

    Result<std::vector<PlannedDisk>> plan() const { return plan_disks(bundle.path(), spec); }
    std::string refusal() const {
        const auto planned = plan();
        REQUIRE_FALSE(planned);
        return planned.error().message;
    }
};

int access_of(const PlannedDisk& disk) {
    return ::fcntl(disk.file.get(), F_GETFL) & O_ACCMODE;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a source that is neither image nor block device is refused, with its place") {
    for (const char* source : {"rootfs", "/dev/null", "/", "missing"}) {
        spec.mounts.clear();
        add_mount("ext4", source);
        CHECK(refusal().starts_with("config.json: /mounts/0/source: "));
    }
    REQUIRE(::mkfifo((bundle.path() + "/fifo").c_str(), 0600) == 0);
    spec.mounts.clear();
    add_mount("ext4", "fifo");
    CHECK(refusal().ends_with("/fifo: neither an image file nor a block device"));
}

TEST_CASE_FIXTURE(Fixture, "an empty image is refused") {
    REQUIRE(open_file(bundle.path() + "/empty", O_WRONLY | O_CREAT, 0600));
    add_mount("ext4", "empty");
    CHECK(refusal().ends_with("/empty: the image is empty"));
}

TEST_CASE_FIXTURE(Fixture, "an image is mounted writable once at a time") {
    make_image("image");
    add_mount("ext4", "image");
    const auto first = plan();
    REQUIRE(first);
    CHECK(refusal().ends_with("/image: another virtual machine has it mounted: Device or resource busy"));
    spec.mounts[0].options = {"ro"};
    CHECK_FALSE(plan());
}

TEST_CASE_FIXTURE(Fixture, "an image is mounted read-only any number of times") {
    make_image("image");
    add_mount("erofs", "image");
    const auto first = plan();
    REQUIRE(first);
    CHECK(plan());
    spec.mounts[0].type = "ext4";
    CHECK_FALSE(plan());
}

TEST_CASE_FIXTURE(Fixture, "what is to be read only is opened for reading alone") {
    make_image("image");
    add_mount("ext4", "image", {"nosuid", "ro"});
    add_mount("erofs", "image");
    const auto disks = plan();
    REQUIRE(disks);
    REQUIRE(disks->size() == 2);
    for (const auto& disk : *disks) {
        CHECK(disk.read_only);
        CHECK(access_of(disk) == O_RDONLY);
    }
    CHECK((*disks)[1].index == 1);
    CHECK((*disks)[1].id == "mount-1");
}

TEST_CASE_FIXTURE(Fixture, "mounts of other types, and bind mounts, are no disks") {
    make_image("image");
    add_mount("tmpfs", "tmpfs");
    add_mount("bind", "image");
    add_mount("ext4", "image", {"bind"});
    CHECK(plan()->empty());
}

TEST_CASE_FIXTURE(Fixture, "a root that is an image is a disk") {
    make_image("root.img");
    spec.root = oci::Root{"root.img", false};
    {
        const auto disks = plan();
        REQUIRE(disks);
        REQUIRE(disks->size() == 1);
        CHECK((*disks)[0].role == protocol::DiskRole::root);
        CHECK(access_of((*disks)[0]) == O_RDWR);
        CHECK(*has_root_disk(bundle.path(), spec));
    }
    spec.root->readonly = true;
    CHECK(access_of((*plan())[0]) == O_RDONLY);
}

TEST_CASE_FIXTURE(Fixture, "a device without a rule of its own is not the container's wish") {
    add_device(7, 0);
    CHECK(plan()->empty());
    // As a privileged container has it: every device of the host, and everything allowed.
    spec.linux.resources = oci::Resources{};
    spec.linux.resources->devices = {{true, "a", {}, {}, "rwm"}, {true, "b", 7, -1, "rwm"}, {true, "c", 7, 0, "rwm"}};
    CHECK(plan()->empty());
}

TEST_CASE_FIXTURE(Fixture, "a rule that was taken back counts for nothing") {
    add_device(7, 0);
    spec.linux.resources = oci::Resources{};
    spec.linux.resources->devices = {{true, "b", 7, 0, "rw"}, {false, "b", 7, 0, ""}};
    CHECK(plan()->empty());
}

TEST_CASE_FIXTURE(Fixture, "a device that the host does not have, and one that is no block device, are left to the VM") {
    add_device(4095, 1048575);
    add_device(1, 3, 'c');
    spec.linux.resources = oci::Resources{};
    spec.linux.resources->devices = {{true, "b", 4095, 1048575, "rw"}, {true, "b", 1, 3, "rw"}};
    CHECK(plan()->empty());
}
