#include "vmm/devices/block/request.h"

#include <doctest/doctest.h>
#include <linux/virtio_blk.h>

#include <cerrno>
#include <limits>
#include <string>

#include "tests/vmm/devices/block/temporary_image.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;

namespace {

constexpr std::uint64_t sectors = 128;

template <class T>
std::string bytes_of(const T& object) {
    return {reinterpret_cast<const char*>(&object), sizeof object};
}

std::string header(std::uint32_t type, std::uint64_t sector = 0) {
    return bytes_of(virtio_blk_outhdr{type, 0, sector});
}

std::string range(std::uint64_t sector, std::uint32_t count, std::uint32_t flags = 0) {
    return bytes_of(virtio_blk_discard_write_zeroes{sector, count, flags});
}

/// A chain of one readable and one writable buffer in the test's own memory.
struct Chain {
    Chain(std::string from_driver, std::size_t writable_bytes)
        : readable(std::move(from_driver)), writable(writable_bytes, '\xee') {
        chain.readable = {{readable.data(), readable.size()}};
        chain.readable_bytes = readable.size();
        chain.writable = {{writable.data(), writable.size()}};
        chain.writable_bytes = writable.size();
    }
    std::string readable;
    std::string writable;
    virtio::DescriptorChain chain;
};

struct Fixture {
    TemporaryImage image{sectors * 512};
    Disk disk = Disk::open(image.open(O_RDWR), false, "disk-1").value();
    Disk read_only = Disk::open(image.open(O_RDONLY), true, "").value();

    static int refusal(const Disk& of, const std::string& readable, std::size_t writable = 1) {
        const Chain chain(readable, writable);
        const auto request = read_request(chain.chain, of);
        return request ? -1 : request.error();
    }
    int refusal(const std::string& readable, std::size_t writable = 1) const {
        return refusal(disk, readable, writable);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a header that is too short is an error") {
    CHECK(refusal("") == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_FLUSH).substr(1)) == VIRTIO_BLK_S_IOERR);
}

TEST_CASE_FIXTURE(Fixture, "unknown requests are unsupported") {
    for (const std::uint32_t type : {2U, 3U, 5U, 9U, 14U, 24U, 0x80000000U, 0xffffffffU})
        CHECK(refusal(header(type), 513) == VIRTIO_BLK_S_UNSUPP);
}

TEST_CASE_FIXTURE(Fixture, "a transfer that is not of whole sectors is an error") {
    CHECK(refusal(header(VIRTIO_BLK_T_IN), 1) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_IN), 512) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_IN), 514) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_OUT)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_OUT) + std::string(511, 'x')) == VIRTIO_BLK_S_IOERR);
}

TEST_CASE_FIXTURE(Fixture, "a transfer outside the disk is an error, wherever it wraps") {
    constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t sector :
         {sectors, sectors + 1, largest, largest / 512, largest / 512 + 1, (largest >> 9) + 1 - 1,
          std::uint64_t{1} << 55, std::uint64_t{1} << 63}) {
        CHECK(refusal(header(VIRTIO_BLK_T_IN, sector), 513) == VIRTIO_BLK_S_IOERR);
        CHECK(refusal(header(VIRTIO_BLK_T_OUT, sector) + std::string(512, 'x')) == VIRTIO_BLK_S_IOERR);
        CHECK(refusal(header(VIRTIO_BLK_T_DISCARD) + range(sector, 1)) == VIRTIO_BLK_S_IOERR);
        CHECK(refusal(header(VIRTIO_BLK_T_WRITE_ZEROES) + range(sector, 1)) == VIRTIO_BLK_S_IOERR);
    }
    CHECK(refusal(header(VIRTIO_BLK_T_IN, sectors - 1), 1025) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_IN), sectors * 512 + 513) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_IN, sectors - 1), 513) == -1);
}

TEST_CASE_FIXTURE(Fixture, "a transfer larger than announced is an error") {
    const TemporaryImage large(max_transfer_bytes + 512);
    const auto big = Disk::open(large.open(O_RDWR), false, "").value();
    CHECK(refusal(big, header(VIRTIO_BLK_T_IN), max_transfer_bytes + 513) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(big, header(VIRTIO_BLK_T_IN), max_transfer_bytes + 1) == -1);
}

TEST_CASE_FIXTURE(Fixture, "buffers in the wrong direction are an error") {
    CHECK(refusal(header(VIRTIO_BLK_T_IN) + std::string(512, 'x'), 513) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_OUT) + std::string(512, 'x'), 513) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(header(VIRTIO_BLK_T_DISCARD) + range(0, 1), 17) == VIRTIO_BLK_S_IOERR);
}

TEST_CASE_FIXTURE(Fixture, "a discard has exactly one range, within bounds") {
    const auto discard = header(VIRTIO_BLK_T_DISCARD);
    CHECK(refusal(discard) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(0, 1).substr(1)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(0, 1) + range(1, 1)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(0, 0)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(0, sectors + 1)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(1, 0xffffffff)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(discard + range(0, sectors)) == -1);
}

TEST_CASE_FIXTURE(Fixture, "flags of a range that do not belong to it are unsupported") {
    CHECK(refusal(header(VIRTIO_BLK_T_DISCARD) + range(0, 1, 1)) == VIRTIO_BLK_S_UNSUPP);
    CHECK(refusal(header(VIRTIO_BLK_T_DISCARD) + range(0, 1, 2)) == VIRTIO_BLK_S_UNSUPP);
    CHECK(refusal(header(VIRTIO_BLK_T_WRITE_ZEROES) + range(0, 1, 2)) == VIRTIO_BLK_S_UNSUPP);
    CHECK(refusal(header(VIRTIO_BLK_T_WRITE_ZEROES) + range(0, 1, 0x80000001)) == VIRTIO_BLK_S_UNSUPP);
}

TEST_CASE_FIXTURE(Fixture, "a read-only disk takes nothing that changes it") {
    CHECK(refusal(read_only, header(VIRTIO_BLK_T_OUT) + std::string(512, 'x')) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(read_only, header(VIRTIO_BLK_T_DISCARD) + range(0, 1)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(read_only, header(VIRTIO_BLK_T_WRITE_ZEROES) + range(0, 1)) == VIRTIO_BLK_S_IOERR);
    CHECK(refusal(read_only, header(VIRTIO_BLK_T_IN), 513) == -1);
    CHECK(refusal(read_only, header(VIRTIO_BLK_T_FLUSH)) == -1);
}

TEST_CASE_FIXTURE(Fixture, "a read goes into what is writable but the status") {
    const Chain chain(header(VIRTIO_BLK_T_IN, 3), 1025);
    const auto request = read_request(chain.chain, disk);
    REQUIRE(request);
    CHECK(request->kind == Operation::Kind::read);
    CHECK(request->offset == 3 * 512);
    CHECK(request->length == 1024);
    REQUIRE(request->buffers.size() == 1);
    CHECK(request->buffers[0].iov_base == chain.writable.data());
    CHECK(request->buffers[0].iov_len == 1024);
}

TEST_CASE_FIXTURE(Fixture, "a write comes from what follows the header") {
    const Chain chain(header(VIRTIO_BLK_T_OUT, 5) + std::string(512, 'x'), 1);
    const auto request = read_request(chain.chain, disk);
    REQUIRE(request);
    CHECK(request->kind == Operation::Kind::write);
    CHECK(request->offset == 5 * 512);
    CHECK(request->length == 512);
    REQUIRE(request->buffers.size() == 1);
    CHECK(request->buffers[0].iov_base == chain.readable.data() + 16);
}

TEST_CASE_FIXTURE(Fixture, "zeroes may be asked for with and without giving space back") {
    const Chain keep(header(VIRTIO_BLK_T_WRITE_ZEROES) + range(2, 4), 1);
    const auto kept = read_request(keep.chain, disk);
    REQUIRE(kept);
    CHECK(kept->offset == 1024);
    CHECK(kept->length == 2048);
    CHECK_FALSE(kept->unmap);
    const Chain unmap(header(VIRTIO_BLK_T_WRITE_ZEROES) + range(2, 4, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP), 1);
    CHECK(read_request(unmap.chain, disk)->unmap);
}

TEST_CASE_FIXTURE(Fixture, "the id is answered at once, as far as there is room") {
    const Chain whole(header(VIRTIO_BLK_T_GET_ID), 21);
    CHECK(read_request(whole.chain, disk).error() == VIRTIO_BLK_S_OK);
    CHECK(whole.writable == "disk-1" + std::string(14, '\0') + "\xee");
    const Chain narrow(header(VIRTIO_BLK_T_GET_ID), 5);
    CHECK(read_request(narrow.chain, disk).error() == VIRTIO_BLK_S_OK);
    CHECK(narrow.writable == "disk\xee");
}

TEST_CASE("what a file system cannot do is unsupported for ranges, and an error for all else") {
    Operation operation;
    for (const auto kind : {Operation::Kind::read, Operation::Kind::write, Operation::Kind::flush}) {
        operation.kind = kind;
        CHECK(status_of(operation, -EOPNOTSUPP) == VIRTIO_BLK_S_IOERR);
    }
    for (const auto kind : {Operation::Kind::discard, Operation::Kind::write_zeroes}) {
        operation.kind = kind;
        CHECK(status_of(operation, -EOPNOTSUPP) == VIRTIO_BLK_S_UNSUPP);
        CHECK(status_of(operation, -ENOSPC) == VIRTIO_BLK_S_IOERR);
    }
    CHECK(status_of(operation, 0) == VIRTIO_BLK_S_OK);
}
