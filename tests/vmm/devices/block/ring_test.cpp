#include "vmm/devices/block/ring.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <functional>

#include "tests/vmm/devices/block/temporary_image.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;

namespace {

int result_of(const Ring& ring, const std::function<void(io_uring_sqe*)>& prepare) {
    prepare(io_uring_get_sqe(ring.get()));
    io_uring_cqe* completion = nullptr;
    REQUIRE(io_uring_submit_and_wait(ring.get(), 1) >= 0);
    REQUIRE(io_uring_peek_cqe(ring.get(), &completion) == 0);
    const int result = completion->res;
    io_uring_cqe_seen(ring.get(), completion);
    return result;
}

}  // namespace

TEST_CASE(
    "a ring reads and writes what is open, and opens, connects and registers nothing, whoever gets hold of "
    "it") {
    auto made = Ring::create(8);
    if (!made) {
        MESSAGE("skipped: " << made.error().message);
        return;
    }
    const auto& ring = *made;
    TemporaryImage image;
    const auto file = image.open(O_RDWR);
    alignas(4096) static std::array<char, 4096> bytes;
    const iovec buffer{bytes.data(), bytes.size()};
    CHECK(result_of(ring, [&](auto* entry) { io_uring_prep_readv(entry, file.get(), &buffer, 1, 0); }) ==
          4096);
    CHECK(result_of(ring, [&](auto* entry) { io_uring_prep_openat(entry, AT_FDCWD, "/", O_RDONLY, 0); }) ==
          -EACCES);
    CHECK(result_of(ring, [&](auto* entry) {
              io_uring_prep_unlinkat(entry, AT_FDCWD, "/no/such/file", 0);
          }) == -EACCES);
    CHECK(result_of(ring, [&](auto* entry) { io_uring_prep_connect(entry, file.get(), nullptr, 0); }) ==
          -EACCES);
    CHECK(result_of(ring, [&](auto* entry) { io_uring_prep_close(entry, file.get()); }) == -EACCES);
    const int descriptor = file.get();
    CHECK(io_uring_register_files(ring.get(), &descriptor, 1) < 0);
    CHECK(io_uring_register_personality(ring.get()) < 0);
}
