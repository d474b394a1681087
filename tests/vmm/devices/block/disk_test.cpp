#include "vmm/devices/block/disk.h"

#include <doctest/doctest.h>

#include "tests/vmm/devices/block/temporary_image.h"

using namespace nacre;
using block::Disk;
using block::fake::TemporaryImage;

TEST_CASE("what is no disk is refused") {
    const TemporaryImage image;
    CHECK_FALSE(Disk::open(FileDescriptor(), true, ""));
    CHECK_FALSE(Disk::open(FileDescriptor(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), true, ""));
    CHECK_FALSE(Disk::open(FileDescriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), false, ""));
    CHECK_FALSE(Disk::open(image.open(O_PATH), true, ""));
}

TEST_CASE("an image without a whole block is refused") {
    CHECK_FALSE(Disk::open(TemporaryImage(0).open(O_RDONLY), true, ""));
    CHECK_FALSE(Disk::open(TemporaryImage(511).open(O_RDONLY), true, ""));
}

TEST_CASE("the descriptor's access must be the disk's") {
    const TemporaryImage image;
    // With a writable descriptor, only this process would keep a read-only disk from being written.
    CHECK_FALSE(Disk::open(image.open(O_RDWR), true, ""));
    CHECK_FALSE(Disk::open(image.open(O_RDONLY), false, ""));
    CHECK_FALSE(Disk::open(image.open(O_WRONLY), false, ""));
    CHECK_FALSE(Disk::open(image.open(O_RDWR | O_APPEND), false, ""));
    CHECK(Disk::open(image.open(O_RDONLY), true, ""));
    CHECK(Disk::open(image.open(O_RDWR), false, ""));
}

TEST_CASE("bytes past the last whole sector are not part of the disk") {
    const TemporaryImage image(3 * 512 + 100);
    CHECK(Disk::open(image.open(O_RDONLY), true, "")->geometry().size == 3 * 512);
}

TEST_CASE("an image has sectors of 512 bytes, on pages") {
    const TemporaryImage image;
    const auto disk = Disk::open(image.open(O_RDWR), false, "");
    REQUIRE(disk);
    CHECK_FALSE(disk->is_block_device());
    CHECK(disk->geometry().logical_block == 512);
    CHECK(disk->geometry().physical_block == 4096);
}

TEST_CASE("an id is cut to what the device can tell") {
    const TemporaryImage image;
    CHECK(Disk::open(image.open(O_RDONLY), true, "0123456789abcdefghijXYZ")->id() == "0123456789abcdefghij");
}

TEST_CASE("a read-only disk shares the host's page cache") {
    const TemporaryImage image;
    CHECK_FALSE(Disk::open(image.open(O_RDONLY), true, "")->bypasses_page_cache());
}
