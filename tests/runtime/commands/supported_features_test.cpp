#include "runtime/commands/supported_features.h"

#include <doctest/doctest.h>

#include <string>

#include "guest-agent/container/capabilities.h"
#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/seccomp.h"
#include "runtime/oci/parser.h"
#include "runtime/oci/validation.h"

using namespace nacre;
namespace supported = nacre::commands::supported;

namespace {

template <class Set>
bool accepts(Set set) {
    oci::Seccomp seccomp;
    seccomp.default_action = "SCMP_ACT_ALLOW";
    set(seccomp);
    auto spec = oci::parse_config(R"({"ociVersion":"1.2.0","process":{"args":["sh"],"cwd":"/"},
        "root":{"path":"rootfs"},"linux":{}})")
                    .value();
    spec.linux.seccomp = seccomp;
    return oci::validate(spec) && agent::compile_seccomp(seccomp);
}

oci::SeccompRule rule_with(std::string action, std::vector<oci::SeccompArgument> arguments) {
    return {{"personality"}, std::move(action), {}, std::move(arguments)};
}

}  // namespace

TEST_CASE("every listed mount option is one that the agent carries out, not one left to a file system") {
    constexpr std::array<std::string_view, 8> of_super_block{"sync",       "async", "dirsync", "lazytime",
                                                             "nolazytime", "mand",  "nomand",  "silent"};
    for (const auto option : supported::mount_options) {
        CAPTURE(option);
        const auto parsed = agent::parse_mount_options({std::string(option)});
        const bool is_flag =
            std::find(of_super_block.begin(), of_super_block.end(), option) != of_super_block.end();
        CHECK(parsed.values.empty());
        CHECK(parsed.flags.empty() == !is_flag);
    }
}

TEST_CASE("every listed namespace and capability is known, and all of them are listed") {
    for (const auto name : supported::namespaces)
        CHECK_MESSAGE(oci::namespace_type(name), name);
    for (const auto name : supported::capabilities)
        CHECK_MESSAGE(agent::capability_number(std::string(name)), name);
    constexpr std::size_t known_to_linux = 41;
    CHECK(supported::capabilities.size() == known_to_linux);
}

TEST_CASE("every listed action, operator, architecture and flag of seccomp passes validation and compiles") {
    for (const auto action : supported::seccomp_actions)
        CHECK_MESSAGE(accepts([&](auto& s) { s.syscalls = {rule_with(std::string(action), {})}; }), action);
    for (const auto op : supported::seccomp_operators)
        CHECK_MESSAGE(accepts([&](auto& s) {
                          s.syscalls = {rule_with("SCMP_ACT_ERRNO", {{0, 8, 8, std::string(op)}})};
                      }),
                      op);
    for (const auto architecture : supported::seccomp_architectures)
        CHECK_MESSAGE(accepts([&](auto& s) { s.architectures = {std::string(architecture)}; }), architecture);
    for (const auto flag : supported::seccomp_flags)
        CHECK_MESSAGE(accepts([&](auto& s) { s.flags = {std::string(flag)}; }), flag);
}

TEST_CASE("what is not listed is refused") {
    CHECK_FALSE(accepts([](auto& s) { s.syscalls = {rule_with("SCMP_ACT_NOTIFY", {})}; }));
    CHECK_FALSE(accepts([](auto& s) { s.flags = {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"}; }));
    CHECK_FALSE(accepts([](auto& s) { s.architectures = {"SCMP_ARCH_MOON"}; }));
}
