#include "runtime/oci/bundle.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::oci;

namespace {

constexpr auto good_config =
    R"({"ociVersion":"1.2.0","process":{"args":["sh"],"cwd":"/"},"root":{"path":"rootfs"}})";

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

std::string refusal_of(const std::string& directory) {
    const auto bundle = load_bundle(directory);
    return bundle ? "accepted" : bundle.error().message;
}

}  // namespace

TEST_CASE("a bundle that is not there, or has no configuration, is refused") {
    const TemporaryDirectory directory;
    CHECK(refusal_of(directory.path() + "/none").find("No such file or directory") != std::string::npos);
    CHECK(refusal_of(directory.path()) ==
          "JSON specification file " + directory.path() + "/config.json not found");
}

TEST_CASE("a configuration too big to be one is refused") {
    const TemporaryDirectory directory;
    write(directory.path() + "/config.json", std::string(max_config_bytes + 1, ' '));
    CHECK(refusal_of(directory.path()).find("more than the") != std::string::npos);
}

TEST_CASE("errors of every check begin with the file's name") {
    const TemporaryDirectory directory;
    write(directory.path() + "/config.json", "{");
    CHECK(refusal_of(directory.path()).starts_with("config.json:1:2: not valid JSON"));
    write(directory.path() + "/config.json", R"({"ociVersion":"1.2.0"})");
    CHECK(refusal_of(directory.path()).starts_with("config.json: /process: is missing"));
}

TEST_CASE("the root file system must be a directory that exists, or what may hold a file system") {
    const TemporaryDirectory directory;
    write(directory.path() + "/config.json", good_config);
    CHECK(refusal_of(directory.path()) == "rootfs (" + directory.path() + "/rootfs) does not exist");
    REQUIRE(::mkfifo((directory.path() + "/rootfs").c_str(), 0600) == 0);
    CHECK(refusal_of(directory.path()) ==
          "rootfs (" + directory.path() + "/rootfs) is neither a directory nor an image file nor a block device");
    ::unlink((directory.path() + "/rootfs").c_str());
    write(directory.path() + "/rootfs", "image");
    CHECK(load_bundle(directory.path())->rootfs == directory.path() + "/rootfs");
}

TEST_CASE("a good bundle is read with absolute paths") {
    const TemporaryDirectory directory;
    write(directory.path() + "/config.json", good_config);
    std::filesystem::create_directory(directory.path() + "/rootfs");
    const auto bundle = load_bundle(directory.path() + "/.");
    REQUIRE(bundle);
    CHECK(bundle->directory == directory.path());
    CHECK(bundle->rootfs == directory.path() + "/rootfs");
    CHECK(bundle->config == good_config);
    CHECK(bundle->spec.process->args.at(0) == "sh");
}

TEST_CASE("a configuration of another name may be used") {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path() + "/rootfs");
    write(directory.path() + "/other.json", good_config);
    CHECK(load_bundle(directory.path(), directory.path() + "/other.json"));
}
