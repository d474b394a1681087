#include "runtime/container/exec_process.h"

#include <doctest/doctest.h>

#include "runtime/oci/parser.h"

using namespace nacre;
using runtime::ProcessChanges;

namespace {

const std::string config = R"({"ociVersion": "1.2.1", "root": {"path": "rootfs"}, "process": {
    "terminal": true, "cwd": "/", "args": ["init", "--flag"], "env": ["A=1"], "noNewPrivileges": true,
    "user": {"uid": 5, "gid": 6, "additionalGids": [7]}, "unknown": 1,
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}}})";

oci::Process changed(const ProcessChanges& changes, const std::string& from = config) {
    const auto text = runtime::exec_process_json(from, changes);
    REQUIRE(text);
    const auto process = oci::parse_process(*text);
    REQUIRE(process);
    return *process;
}

}  // namespace

TEST_CASE("a configuration without a process is refused") {
    CHECK_FALSE(runtime::exec_process_json("", {}));
    CHECK_FALSE(runtime::exec_process_json("[]", {}));
    CHECK_FALSE(runtime::exec_process_json("{}", {}));
    CHECK_FALSE(runtime::exec_process_json(R"({"process": null})", {}));
}

TEST_CASE("all but arguments and terminal are the configuration's") {
    ProcessChanges changes;
    changes.args = {"echo", "", "--x"};
    const auto process = changed(changes);
    CHECK(process.args == changes.args);
    CHECK_FALSE(process.terminal);
    CHECK(process.cwd == "/");
    CHECK(process.env == std::vector<std::string>{"A=1"});
    CHECK(process.user.uid == 5);
    CHECK(process.no_new_privileges);
    CHECK(process.capabilities->bounding == std::vector<std::string>{"CAP_KILL"});
}

TEST_CASE("members that are not known stay") {
    CHECK(runtime::exec_process_json(config, {})->find(R"("unknown":1)") != std::string::npos);
}

TEST_CASE("options change or add") {
    ProcessChanges changes;
    changes.args = {"sh"};
    changes.terminal = true;
    changes.cwd = "/tmp";
    changes.env = {"B=2", "A=3"};
    changes.uid = 10;
    changes.additional_gids = {8, 9};
    changes.no_new_privileges = false;
    const auto process = changed(changes);
    CHECK(process.terminal);
    CHECK(process.cwd == "/tmp");
    CHECK(process.env == std::vector<std::string>{"A=1", "B=2", "A=3"});
    CHECK(process.user.uid == 10);
    CHECK(process.user.gid == 6);
    CHECK(process.user.additional_gids == std::vector<std::uint32_t>{7, 8, 9});
    CHECK_FALSE(process.no_new_privileges);
}

TEST_CASE("a capability is never made inheritable, and ambient only where others are inheritable") {
    ProcessChanges changes;
    changes.args = {"sh"};
    changes.capabilities = {"CAP_CHOWN"};
    const std::vector<std::string> both{"CAP_KILL", "CAP_CHOWN"};
    auto sets = *changed(changes).capabilities;
    CHECK(sets.bounding == both);
    CHECK(sets.effective == both);
    CHECK(sets.permitted == both);
    CHECK(sets.inheritable.empty());
    CHECK(sets.ambient.empty());
    sets = *changed(changes, R"({"process": {"cwd": "/", "capabilities": {"inheritable": ["CAP_KILL"]}}})")
                .capabilities;
    CHECK(sets.inheritable == std::vector<std::string>{"CAP_KILL"});
    CHECK(sets.ambient == changes.capabilities);
}

TEST_CASE("a user is one number or two") {
    ProcessChanges changes;
    for (const auto* wrong : {"", "root", "1:", ":1", "1:x", "-1", "4294967296", "1:2:3", "1 "})
        CHECK_FALSE(runtime::parse_user(wrong, changes));
    changes = {};
    CHECK(runtime::parse_user("1000", changes));
    CHECK(changes.uid == 1000);
    CHECK_FALSE(changes.gid);
    CHECK(runtime::parse_user("0:12", changes));
    CHECK(changes.uid == 0);
    CHECK(changes.gid == 12);
}
