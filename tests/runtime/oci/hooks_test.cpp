#include "runtime/oci/hooks.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::oci;

namespace {

Hook shell(const std::string& script, std::optional<std::int32_t> timeout = {}) {
    Hook hook;
    hook.path = "/bin/sh";
    hook.args = {"sh", "-c", script};
    hook.env = {"WORD=hello"};
    hook.timeout = timeout;
    return hook;
}

std::string error_of(const Hook& hook) {
    const auto result = run_hooks({hook}, "createRuntime", "{\"id\":\"c1\"}", "/tmp");
    return result ? "" : result.error().message;
}

}  // namespace

TEST_CASE("a hook that is not there is named") {
    Hook hook;
    hook.path = "/nonexistent/hook";
    CHECK(
        error_of(hook) ==
        "error running createRuntime hook #0: /nonexistent/hook: exit status 127: No such file or directory");
}

TEST_CASE("a failing hook's last words are in the error, on one line") {
    CHECK(error_of(shell("echo first; echo second >&2; exit 3")) ==
          "error running createRuntime hook #0: /bin/sh: exit status 3: first second");
    CHECK(error_of(shell("kill -9 $$")) ==
          "error running createRuntime hook #0: /bin/sh: killed by signal 9");
}

TEST_CASE("a hook over its time is killed with what it started") {
    CHECK(error_of(shell("while :; do :; done", 0)) ==
          "error running createRuntime hook #0: /bin/sh: did not end within its timeout of 0 s");
}

TEST_CASE("a hook that prints without reading its input blocks nobody") {
    CHECK(error_of(shell("head -c 300000 /dev/zero")) == "");
}

TEST_CASE("a hook gets the state, its own environment, the bundle as directory, and no descriptor of ours") {
    CHECK(error_of(shell("test \"$(cat)\" = '{\"id\":\"c1\"}'")) == "");
    CHECK(error_of(shell("test \"$WORD\" = hello && test -z \"$HOME\"")) == "");
    CHECK(error_of(shell("test \"$PWD\" = /tmp")) == "");
    CHECK(error_of(shell("test \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 '")) == "");
}

TEST_CASE("after the first failure no further hook runs") {
    const auto result = run_hooks({shell("exit 1"), shell("exit 2")}, "poststop", "{}", "/");
    CHECK(result.error().message == "error running poststop hook #0: /bin/sh: exit status 1");
}

TEST_CASE("a default environment is for hooks that have none") {
    Hook plain;
    plain.path = "/bin/true";
    const auto hooks = with_environment({plain, shell("true")}, {"A=1"});
    CHECK(hooks[0].env == std::vector<std::string>{"A=1"});
    CHECK(hooks[1].env == std::vector<std::string>{"WORD=hello"});
}

TEST_CASE("each hook's process takes the last step, and where that fails, so does the hook") {
    int taken = 0;
    const auto refuse = [&]() -> nacre::Result<void> {
        ++taken;  // in the hook's process
        return nacre::fail("not allowed");
    };
    const auto result = run_hooks({shell("exit 0")}, "startContainer", "{}", "/", refuse);
    REQUIRE_FALSE(result);
    CHECK(result.error().message ==
          "error running startContainer hook #0: /bin/sh: exit status 127: not allowed");
    CHECK(taken == 0);
    CHECK(run_hooks({shell("exit 0")}, "startContainer", "{}", "/", [] { return nacre::Result<void>(); }));
}
