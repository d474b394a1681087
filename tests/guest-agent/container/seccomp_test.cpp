#include "guest-agent/container/seccomp.h"

#include <doctest/doctest.h>
#include <linux/seccomp.h>

using namespace nacre;
using agent::compile_seccomp;

namespace {

oci::Seccomp profile(const std::string& default_action) {
    oci::Seccomp seccomp;
    seccomp.default_action = default_action;
    return seccomp;
}

oci::SeccompRule rule(const std::string& name, const std::string& action) {
    oci::SeccompRule result;
    result.names = {name};
    result.action = action;
    return result;
}

}  // namespace

TEST_CASE("unknown words are refused") {
    CHECK_FALSE(compile_seccomp(profile("")));
    CHECK_FALSE(compile_seccomp(profile("SCMP_ACT_NONSENSE")));
    auto seccomp = profile("SCMP_ACT_ALLOW");
    seccomp.flags = std::vector<std::string>{"SECCOMP_FILTER_FLAG_NONSENSE"};
    CHECK_FALSE(compile_seccomp(seccomp));
    seccomp.flags.reset();
    seccomp.architectures = {"SCMP_ARCH_PDP11"};
    CHECK_FALSE(compile_seccomp(seccomp));
    seccomp.architectures.clear();
    seccomp.syscalls = {rule("mkdir", "SCMP_ACT_NONSENSE")};
    CHECK_FALSE(compile_seccomp(seccomp));
    seccomp.syscalls = {rule("mkdir", "SCMP_ACT_ERRNO")};
    seccomp.syscalls[0].args = {{0, 1, 0, "SCMP_CMP_NONSENSE"}};
    CHECK_FALSE(compile_seccomp(seccomp));
    seccomp.syscalls[0].args = {{6, 1, 0, "SCMP_CMP_EQ"}};
    CHECK_FALSE(compile_seccomp(seccomp));
}

TEST_CASE("a syscall that does not exist is left out") {
    auto seccomp = profile("SCMP_ACT_ALLOW");
    const auto empty = compile_seccomp(seccomp);
    seccomp.syscalls = {rule("no_such_syscall", "SCMP_ACT_ERRNO")};
    const auto with_unknown = compile_seccomp(seccomp);
    REQUIRE(empty);
    REQUIRE(with_unknown);
    CHECK(with_unknown->program.size() == empty->program.size());
}

TEST_CASE("a rule with the default action says nothing") {
    auto seccomp = profile("SCMP_ACT_ERRNO");
    seccomp.syscalls = {rule("mkdir", "SCMP_ACT_ERRNO")};
    CHECK(compile_seccomp(seccomp));
}

TEST_CASE("two comparisons of one argument are alternatives") {
    auto seccomp = profile("SCMP_ACT_ALLOW");
    seccomp.syscalls = {rule("socket", "SCMP_ACT_ERRNO")};
    seccomp.syscalls[0].args = {{0, 16, 0, "SCMP_CMP_EQ"}, {0, 17, 0, "SCMP_CMP_EQ"}};
    CHECK(compile_seccomp(seccomp));
}

TEST_CASE("without flags speculative store bypass stays allowed, with flags they are taken as they are") {
    auto seccomp = profile("SCMP_ACT_ALLOW");
    CHECK(compile_seccomp(seccomp)->flags == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    seccomp.flags.emplace();
    CHECK(compile_seccomp(seccomp)->flags == 0);
    seccomp.flags = std::vector<std::string>{"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"};
    CHECK(compile_seccomp(seccomp)->flags == SECCOMP_FILTER_FLAG_LOG);
}

TEST_CASE("several architectures, the native one twice") {
    auto seccomp = profile("SCMP_ACT_ERRNO");
    seccomp.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
    seccomp.syscalls = {rule("read", "SCMP_ACT_ALLOW")};
    CHECK(compile_seccomp(seccomp));
}
