#include "vmm/devices/block/uring_engine.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <array>
#include <map>

#include "tests/vmm/devices/block/temporary_image.h"

using namespace nacre;
using namespace nacre::block;
using block::fake::TemporaryImage;

namespace {

struct Fixture {
    TemporaryImage image;
    Disk disk = Disk::open(image.open(O_RDWR), false, "").value();
    std::unique_ptr<UringEngine> engine;

    /// Hosts may forbid io_uring; then there is nothing to test.
    bool has_engine() {
        auto made = UringEngine::create(disk, 8);
        if (made)
            engine = std::move(*made);
        else
            MESSAGE("skipped: " << made.error().message);
        return engine != nullptr;
    }

    /// Results by tag, waiting for `count` of them.
    std::map<std::size_t, int> collect(std::size_t count) const {
        std::map<std::size_t, int> results;
        std::vector<Engine::Completion> completions;
        while (results.size() < count) {
            pollfd ready{engine->completion_fd(), POLLIN, 0};
            REQUIRE(::poll(&ready, 1, 30'000) == 1);
            completions.clear();
            engine->collect(completions);
            for (const auto& completion : completions)
                results[completion.tag] = completion.result;
        }
        return results;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "several operations are under way at once, and each result has its tag") {
    if (!has_engine())
        return;
    alignas(4096) static std::array<char, 4096> written;
    alignas(4096) static std::array<char, 4096> read;
    written.fill('w');
    std::array<Operation, 5> operations;
    operations[0].kind = Operation::Kind::write;
    operations[0].offset = 8192;
    operations[0].length = written.size();
    operations[0].buffers = {{written.data(), written.size()}};
    operations[0].write_through = true;
    operations[1].kind = Operation::Kind::read;
    operations[1].length = read.size();
    operations[1].buffers = {{read.data(), read.size()}};
    operations[2].kind = Operation::Kind::flush;
    operations[3].kind = Operation::Kind::discard;
    operations[3].offset = 16384;
    operations[3].length = 4096;
    operations[4] = operations[1];
    operations[4].offset = 1 << 30;  // past the end
    for (std::size_t tag = 0; tag < operations.size(); ++tag)
        engine->start(operations[tag], tag);
    engine->submit();
    auto results = collect(operations.size());
    CHECK(results[0] == 4096);
    CHECK(results[1] == 4096);
    CHECK(results[2] == 0);
    CHECK(results[3] == 0);
    CHECK(results[4] == 0);
    CHECK(image.read(8192, 4096) == std::string(4096, 'w'));
    CHECK(image.read(16384, 4096) == std::string(4096, '\0'));
}

TEST_CASE_FIXTURE(Fixture, "a ring does nothing but work on its disk, whoever gets hold of it") {
    io_uring ring{};
    if (!has_engine())
        return;
    REQUIRE(io_uring_queue_init(8, &ring, IORING_SETUP_R_DISABLED) == 0);
    REQUIRE(restrict_ring(ring, disk.fd()));
    const auto result_of = [&](auto prepare) {
        prepare(io_uring_get_sqe(&ring));
        io_uring_cqe* completion = nullptr;
        REQUIRE(io_uring_submit_and_wait(&ring, 1) >= 0);
        REQUIRE(io_uring_peek_cqe(&ring, &completion) == 0);
        const int result = completion->res;
        io_uring_cqe_seen(&ring, completion);
        return result;
    };
    alignas(4096) static std::array<char, 4096> bytes;
    const iovec buffer{bytes.data(), bytes.size()};
    CHECK(result_of([&](io_uring_sqe* entry) { io_uring_prep_openat(entry, AT_FDCWD, "/", O_RDONLY, 0); }) ==
          -EACCES);
    CHECK(result_of([&](io_uring_sqe* entry) { io_uring_prep_readv(entry, disk.fd(), &buffer, 1, 0); }) ==
          -EACCES);
    CHECK(result_of([&](io_uring_sqe* entry) {
              io_uring_prep_readv(entry, 0, &buffer, 1, 0);
              entry->flags |= IOSQE_FIXED_FILE;
          }) == 4096);
    const int other = ::fileno(stderr);
    CHECK(io_uring_register_files_update(&ring, 0, &other, 1) < 0);
    io_uring_queue_exit(&ring);
}
