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
    RingPool rings{1, 8};
    std::unique_ptr<UringEngine> engine;

    /// Hosts may forbid io_uring; then there is nothing to test.
    bool has_engine() {
        auto made = UringEngine::create(disk, rings);
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

TEST_CASE_FIXTURE(Fixture,
                  "an engine that ends leaves its ring to the next, and there are no more than were made") {
    if (!has_engine())
        return;
    CHECK_FALSE(UringEngine::create(disk, rings));
    engine.reset();
    CHECK(UringEngine::create(disk, rings));
}
