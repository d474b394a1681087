#include "runtime/container/volume_users.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/container/share_plan.h"
#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

TEST_CASE("a volume is unused when the last of its users has gone") {
    const TemporaryDirectory vm;
    const auto users = VolumeUsers::lock(vm.path());
    REQUIRE(users);
    CHECK_FALSE(users->has_any("volumes/1/data"));
    REQUIRE(users->add("volumes/1/data", "a"));
    REQUIRE(users->add("volumes/1/data", "b"));
    REQUIRE(users->add("volumes/2/log", "a"));
    CHECK(users->has_any("volumes/1/data"));
    CHECK(users->remove("a") == std::vector<std::string>{"volumes/2/log"});
    CHECK(users->has_any("volumes/1/data"));
    CHECK(users->remove("nobody")->empty());
    CHECK(users->remove("b") == std::vector<std::string>{"volumes/1/data"});
    CHECK_FALSE(users->has_any("volumes/1/data"));
    CHECK(users->remove("b")->empty());
}

namespace {

struct Fixture {
    TemporaryDirectory vm;
    TemporaryDirectory bundle;
    VolumeUsers users = *VolumeUsers::lock(vm.path());

    /// The plan of a container that binds `source` with these options, without the trees' descriptors.
    SharePlan plan_of(const std::string& volume) const {
        SharePlan plan;
        plan.trees.push_back({"c/rootfs", true, FileDescriptor()});
        plan.trees.push_back({volume, true, FileDescriptor()});
        plan.mounts.push_back({0, volume, {}});
        return plan;
    }
};

}  // namespace

TEST_CASE("a tree goes into the share with its first user alone; a root always") {
    const Fixture fixture;
    auto first = fixture.plan_of("volumes/1.0.5.77/data");
    REQUIRE(use_volumes("a", first, fixture.users));
    CHECK(first.trees.size() == 2);
    auto second = fixture.plan_of("volumes/1.0.5.77/data");
    REQUIRE(use_volumes("b", second, fixture.users));
    REQUIRE(second.trees.size() == 1);
    CHECK(second.trees[0].target == "c/rootfs");
    CHECK(second.mounts[0].path == "volumes/1.0.5.77/data");
}

TEST_CASE("who only reads gets the volume that others write; never the other way round") {
    const Fixture fixture;
    auto reader = fixture.plan_of("volumes/1.0.5.77.ro/data");
    REQUIRE(use_volumes("a", reader, fixture.users));
    CHECK(reader.mounts[0].path == "volumes/1.0.5.77.ro/data");
    auto writer = fixture.plan_of("volumes/1.0.5.77/data");
    REQUIRE(use_volumes("b", writer, fixture.users));
    CHECK(writer.mounts[0].path == "volumes/1.0.5.77/data");
    CHECK(writer.trees.size() == 2);
    auto later = fixture.plan_of("volumes/1.0.5.77.ro/data");
    REQUIRE(use_volumes("c", later, fixture.users));
    CHECK(later.mounts[0].path == "volumes/1.0.5.77/data");
    CHECK(later.trees.size() == 1);
}
