#include "runtime/container/host_references.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

TEST_CASE("a label of a module that the host has not is refused") {
    oci::Process process;
    CHECK(check_labels(process, "", {}));
    CHECK_FALSE(check_labels(process, "system_u:object_r:x_t:s0", {}));
    process.apparmor_profile = "docker-default";
    CHECK(check_labels(process, "", {}).error().message.find("apparmor is not enabled") != std::string::npos);
    CHECK(check_labels(process, "", {true, false}));
    process.apparmor_profile = "unconfined";
    CHECK(check_labels(process, "", {}));
    process.selinux_label = "system_u:system_r:x_t:s0";
    CHECK(check_labels(process, "", {}).error().message.find("selinux is disabled") != std::string::npos);
    CHECK(check_labels(process, "", {false, true}));
}

TEST_CASE("a namespace to join exists and is one of its type") {
    oci::Linux config;
    config.namespaces = {{oci::NamespaceType::network, "/proc/self/ns/net"}, {oci::NamespaceType::pid, ""}};
    CHECK(check_namespace_paths(config));
    config.namespaces = {{oci::NamespaceType::network, "/proc/self/ns/ipc"}};
    CHECK(check_namespace_paths(config).error().message ==
          "config.json: /linux/namespaces: /proc/self/ns/ipc is not a network namespace");
    config.namespaces = {{oci::NamespaceType::ipc, "/dev/null"}};
    CHECK_FALSE(check_namespace_paths(config));
    config.namespaces = {{oci::NamespaceType::ipc, "/nonexistent"}};
    CHECK_FALSE(check_namespace_paths(config));
}

TEST_CASE("a user namespace that a guest cannot enter needs mappings, so that its root is not the host's") {
    oci::Linux config;
    oci::Namespace user;
    user.type = oci::NamespaceType::user;
    config.namespaces = {user};
    CHECK(check_user_namespace({}, false));
    CHECK(check_user_namespace(config, false));
    config.namespaces[0].path = "/proc/self/ns/user";
    CHECK(check_user_namespace(config, false));
    // No user namespace at all, but none of the caller's.
    config.namespaces[0].path = "/proc/self/ns/ipc";
    const auto refused = check_user_namespace(config, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("uidMappings") != std::string::npos);
    CHECK(check_user_namespace(config, true));
    config.uid_mappings = {{0, 100000, 65536}};
    config.gid_mappings = config.uid_mappings;
    CHECK(check_user_namespace(config, false));
}
