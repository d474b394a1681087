#include "guest-agent/container/namespaces.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

using namespace nacre;
using agent::clone_flags;
using oci::NamespaceType;

TEST_CASE("a mount namespace is always made") {
    CHECK(clone_flags({}, false) == CLONE_NEWNS);
}

TEST_CASE("a namespace with a path is one that the VM has") {
    oci::Linux config;
    config.namespaces = {{NamespaceType::pid, "/proc/7/ns/pid"}, {NamespaceType::ipc, ""}};
    CHECK(clone_flags(config, true) == (CLONE_NEWNS | CLONE_NEWIPC));
}

TEST_CASE("the network namespace of a VM's first container is the VM's, that of a later one its own") {
    oci::Linux config;
    config.namespaces = {{NamespaceType::network, ""}, {NamespaceType::pid, ""}, {NamespaceType::uts, ""}};
    CHECK(clone_flags(config, false) == (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS));
    CHECK(clone_flags(config, true) == (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNET));
}

TEST_CASE("cgroup and time namespaces are entered later") {
    oci::Linux config;
    config.namespaces = {{NamespaceType::cgroup, ""}, {NamespaceType::time, ""}};
    CHECK(clone_flags(config, false) == CLONE_NEWNS);
}

TEST_CASE("with a user namespace a VM's first container owns every namespace that it names") {
    oci::Linux config;
    config.namespaces = {{NamespaceType::user, ""}, {NamespaceType::network, "/n"}, {NamespaceType::ipc, ""}};
    CHECK(clone_flags(config, false) == (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC));
    CHECK(clone_flags(config, true) == (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWIPC));
}

TEST_CASE("the namespaces of a process are found by their type") {
    for (const auto type : {NamespaceType::pid, NamespaceType::network, NamespaceType::ipc, NamespaceType::uts,
                            NamespaceType::user, NamespaceType::cgroup, NamespaceType::time})
        CHECK(agent::open_namespace(::getpid(), type));
    CHECK_FALSE(agent::open_namespace(::getpid(), NamespaceType::mount));
    CHECK_FALSE(agent::open_namespace(0, NamespaceType::ipc));
}
