#include "vmm/devices/block/operation.h"

#include <doctest/doctest.h>
#include <linux/falloc.h>

#include <array>
#include <cerrno>
#include <string>

#include "tests/vmm/devices/block/temporary_image.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;

namespace {

struct Buffers {
    std::string first = "0123";
    std::string second = "456";
    std::vector<iovec> list{{first.data(), first.size()}, {second.data(), second.size()}};

    std::string text() const {
        std::string all;
        for (const auto& part : list)
            all.append(static_cast<const char*>(part.iov_base), part.iov_len);
        return all;
    }
};

Operation operation(Operation::Kind kind, std::uint64_t offset, std::uint64_t length, bool unmap = false) {
    Operation made;
    made.kind = kind;
    made.offset = offset;
    made.length = length;
    made.unmap = unmap;
    return made;
}

}  // namespace

TEST_CASE("bytes are taken off the front of buffers, across them") {
    const std::array<const char*, 8> left{"0123456", "123456", "23456", "3456", "456", "56", "6", ""};
    for (std::size_t bytes = 0; bytes < left.size(); ++bytes) {
        Buffers buffers;
        remove_front(buffers.list, bytes);
        CHECK(buffers.text() == left[bytes]);
    }
}

TEST_CASE("bytes are taken off the back of buffers, across them") {
    for (std::size_t bytes = 0; bytes <= 7; ++bytes) {
        Buffers buffers;
        remove_back(buffers.list, bytes);
        CHECK(buffers.text() == std::string("0123456").substr(0, 7 - bytes));
    }
}

TEST_CASE("what is left of a short transfer begins where it ended") {
    Buffers buffers;
    auto write = operation(Operation::Kind::write, 512, 7);
    write.buffers = buffers.list;
    advance(write, 5);
    CHECK(write.offset == 517);
    CHECK(write.length == 2);
    buffers.list = write.buffers;
    CHECK(buffers.text() == "56");
}

TEST_CASE("a range keeps its place in the file, and its space only if it must") {
    CHECK(fallocate_mode(operation(Operation::Kind::discard, 0, 512)) ==
          (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    CHECK(fallocate_mode(operation(Operation::Kind::write_zeroes, 0, 512, true)) ==
          (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    CHECK(fallocate_mode(operation(Operation::Kind::write_zeroes, 0, 512)) ==
          (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE));
}

TEST_CASE("operations on an image") {
    const TemporaryImage image;
    const auto disk = Disk::open(image.open(O_RDWR), false, "").value();
    alignas(4096) static std::array<char, 4096> bytes;

    SUBCASE("a write arrives, and a read brings it back") {
        bytes.fill('w');
        auto write = operation(Operation::Kind::write, 4096, bytes.size());
        write.buffers = {{bytes.data(), bytes.size()}};
        write.write_through = true;
        CHECK(perform(disk, write) == 4096);
        CHECK(image.read(4095, 4098) == "a" + std::string(4096, 'w') + "a");
        bytes.fill('-');
        write.kind = Operation::Kind::read;
        CHECK(perform(disk, write) == 4096);
        CHECK(std::string(bytes.data(), bytes.size()) == std::string(4096, 'w'));
    }
    SUBCASE("buffers that are not aligned are as good, piece by piece") {
        static std::string large(100 * 1024 + 1, 'u');
        large[70 * 1024] = 'v';
        auto write = operation(Operation::Kind::write, 0, 100 * 1024);
        write.buffers = {{large.data() + 1, 3}, {large.data() + 4, 100 * 1024 - 3}};
        const TemporaryImage larger(128 * 1024);
        const auto to = Disk::open(larger.open(O_RDWR), false, "").value();
        while (write.length != 0) {
            const int done = perform(to, write);
            REQUIRE(done > 0);
            advance(write, static_cast<std::uint64_t>(done));
        }
        CHECK(larger.read(0, 100 * 1024 + 1) == large.substr(1) + "a");
    }
    SUBCASE("a discard gives space back") {
        const auto before = image.allocated_bytes();
        CHECK(perform(disk, operation(Operation::Kind::discard, 0, 32 * 1024)) == 0);
        CHECK(image.allocated_bytes() == before - 32 * 1024);
        CHECK(image.read(32 * 1024, 1) == "a");
    }
    SUBCASE("zeroes are zeroes") {
        CHECK(perform(disk, operation(Operation::Kind::write_zeroes, 512, 1024, true)) == 0);
        CHECK(image.read(511, 1026) == "a" + std::string(1024, '\0') + "a");
    }
    SUBCASE("a flush succeeds") {
        CHECK(perform(disk, operation(Operation::Kind::flush, 0, 0)) == 0);
    }
}

TEST_CASE("the host's kernel refuses to write a read-only disk") {
    const TemporaryImage image;
    const auto disk = Disk::open(image.open(O_RDONLY), true, "").value();
    std::string bytes(512, 'w');
    auto write = operation(Operation::Kind::write, 0, 512);
    write.buffers = {{bytes.data(), bytes.size()}};
    CHECK(perform(disk, write) == -EBADF);
    CHECK(perform(disk, operation(Operation::Kind::discard, 0, 512)) == -EBADF);
    CHECK(perform(disk, operation(Operation::Kind::write_zeroes, 0, 512)) == -EBADF);
    CHECK(image.read(0, 1) == "a");
}
