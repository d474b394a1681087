#include "runtime/state/store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

ContainerState state_of(const std::string& id) {
    ContainerState state;
    state.id = id;
    state.status = Status::stopped;
    return state;
}

}  // namespace

TEST_CASE("ids that are none reach no file") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    CHECK(store.create("../x").error().message == "invalid container ID format");
    CHECK(store.open("..").error().message == "invalid container ID format");
}

TEST_CASE("an unknown container is said not to exist, in runc's words") {
    const TemporaryDirectory directory;
    CHECK(Store(directory.path()).open("x").error().message == "container does not exist");
    CHECK(Store(directory.path() + "/none").open("x").error().message == "container does not exist");
}

TEST_CASE("an id is used once") {
    const TemporaryDirectory directory;
    const Store store(directory.path() + "/deep/root");
    CHECK(store.create("x"));
    CHECK(store.create("x").error().message == "container with given ID already exists");
    CHECK(store.create("y"));
}

TEST_CASE("a root that cannot be made is named") {
    const TemporaryDirectory directory;
    std::ofstream(directory.path() + "/file") << "";
    const auto container = Store(directory.path() + "/file/root").create("x");
    REQUIRE_FALSE(container);
    CHECK(container.error().message.find("create state directory " + directory.path() + "/file") == 0);
}

TEST_CASE("a container without, with a damaged, or with a foreign state file is removable but not readable") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    const auto container = store.create("x").value();
    CHECK(container.read().error().message.find("was not fully created") != std::string::npos);

    std::ofstream(container.path() + "/state.json") << "{\"format\": 1, ";
    CHECK(container.read().error().message.find("damaged state file") != std::string::npos);
    CHECK(container.read().error().message.find("delete --force") != std::string::npos);

    CHECK(container.write(state_of("y")));
    CHECK(container.read().error().message.find("is of another container") != std::string::npos);

    CHECK(container.remove());
    CHECK_FALSE(std::filesystem::exists(container.path()));
    CHECK(store.open("x").error().message == "container does not exist");
}

TEST_CASE("a state file that is a symbolic link is not followed") {
    const TemporaryDirectory directory;
    const auto container = Store(directory.path()).create("x").value();
    std::ofstream(directory.path() + "/elsewhere") << encode_state(state_of("x"));
    std::filesystem::create_symlink(directory.path() + "/elsewhere", container.path() + "/state.json");
    CHECK_FALSE(container.read());
}

TEST_CASE("state is replaced whole, and leaves no temporary file") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    const auto container = store.create("x").value();
    auto state = state_of("x");
    for (const auto* bundle : {"/first", "/second"}) {
        state.bundle = bundle;
        REQUIRE(container.write(state));
        CHECK(store.open("x")->read()->bundle == bundle);
    }
    CHECK(std::distance(std::filesystem::directory_iterator(container.path()), {}) == 1);
}

TEST_CASE("a lock is held by one, and freed with its object") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    {
        const auto creator = store.create("x").value();
        CHECK(store.open("x")->lock(0).error().message.find("is busy") != std::string::npos);
        CHECK(store.open("x")->read().error().message.find("busy") == std::string::npos);
    }
    const auto container = store.open("x").value();
    CHECK(container.lock(0));
    container.unlock();
    CHECK(store.open("x")->lock(0));
}

TEST_CASE("whoever waited for the lock of a removed container learns that it is gone") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    const auto first = store.create("x").value();
    const auto second = store.open("x").value();
    CHECK(first.remove());
    first.unlock();
    CHECK(second.lock(0).error().message == "container does not exist");
}

TEST_CASE("the list holds containers only, sorted; a missing root is an error") {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    CHECK(store.list()->empty());
    std::ofstream(directory.path() + "/file") << "";
    CHECK(store.create("b"));
    CHECK(store.create("a"));
    CHECK(*store.list() == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(Store(directory.path() + "/none").list());
}

TEST_CASE("removing takes everything below the directory, but nothing behind symbolic links") {
    const TemporaryDirectory directory;
    const auto container = Store(directory.path() + "/root").create("x").value();
    std::filesystem::create_directories(directory.path() + "/precious/data");
    std::filesystem::create_directories(container.path() + "/a/b");
    std::filesystem::create_directory_symlink(directory.path() + "/precious", container.path() + "/a/link");
    CHECK(container.remove());
    CHECK(container.remove());
    CHECK(std::filesystem::exists(directory.path() + "/precious/data"));
}
