#include "runtime/oci/schema.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::oci;

namespace {

std::string refusal_of(std::string_view text, Part part = Part::config) {
    const auto result = check_schema(text, part, "f.json");
    return result ? "accepted" : result.error().message;
}

}  // namespace

TEST_CASE("what breaks the schema is refused with the place and the rule") {
    CHECK(refusal_of("{}").find("required must be [\"ociVersion\"]") != std::string::npos);
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","linux":{"devices":[{"path":"/x","type":"zz"}]}})") ==
          "f.json: /linux/devices/0/type: does not match the schema of the OCI runtime specification: "
          "pattern must be \"^[cbup]$\"");
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","linux":{"seccomp":{"defaultAction":"X"}}})")
              .find("f.json: /linux/seccomp/defaultAction: ") == 0);
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","annotations":{"a":1}})").find("/annotations/a: ") !=
          std::string::npos);
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","hooks":{"prestart":[{"path":"/a","timeout":0}]}})")
              .find("minimum must be 1") != std::string::npos);
}

TEST_CASE("parts of a configuration are held against their part of the schema") {
    CHECK(refusal_of(R"({"cwd":"/","args":["a"]})", Part::process) == "accepted");
    CHECK(refusal_of(R"({"args":["a"]})", Part::process).find("required must be [\"cwd\"]") !=
          std::string::npos);
    CHECK(refusal_of(R"({"cwd":"/","args":[1]})", Part::process).starts_with("f.json: /args/0: "));
    CHECK(refusal_of(R"({"memory":{"limit":5}})", Part::resources) == "accepted");
    CHECK(refusal_of(R"({"memory":{"limit":"5"}})", Part::resources)
              .starts_with("f.json: /memory/limit: does not match"));
}

TEST_CASE("a member that is null counts as absent, an element that is null does not") {
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","hooks":null,"linux":{"seccomp":null,"devices":[{"path":"/x","type":"c",
        "fileMode":null}]},"process":{"cwd":"/","args":["a"],"capabilities":{"ambient":null}}})") == "accepted");
    CHECK(refusal_of(R"({"ociVersion":null})").find("required must be [\"ociVersion\"]") != std::string::npos);
    CHECK(refusal_of(R"({"cwd":"/","args":[null]})", Part::process).starts_with("f.json: /args/0: "));
}

TEST_CASE("what the schema does not know may nest, so far as a configuration may at all") {
    const std::string open(200'000, '[');
    CHECK(refusal_of(R"({"ociVersion":"1.0.0","future":)" + open + std::string(open.size(), ']') + "}")
              .find("nested deeper than") != std::string::npos);
}

TEST_CASE("what later versions of the specification allow is not refused") {
    CHECK(refusal_of(R"({"ociVersion":"1.2.0","linux":{"namespaces":[{"type":"time"}],
        "rootfsPropagation":"rslave","devices":[{"path":"/dev/fuse","type":"c","fileMode":8630}],
        "resources":{"pids":{}},"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",
        "architectures":["SCMP_ARCH_LOONGARCH64"]}},"vm":{"hwConfig":{"vcpus":2}}})") == "accepted");
}

TEST_CASE("what containerd, CRI-O and podman send fits the schema") {
    for (const auto& entry : std::filesystem::directory_iterator(FIXTURES)) {
        const auto name = entry.path().filename().string();
        CAPTURE(name);
        const auto part = name.find("exec") == std::string::npos ? Part::config : Part::process;
        CHECK(refusal_of(read_file(entry.path(), 1024 * 1024).value(), part) == "accepted");
    }
}
