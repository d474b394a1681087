#include "runtime/container/pod.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "runtime/container/saved_config.h"
#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;
using oci::NamespaceType;

namespace {

/// A store with containers whose relay and VMM are this process: they run.
struct Fixture {
    TemporaryDirectory root;
    Store store{root.path()};
    ProcessIdentity self = *identify_process(::getpid());

    void add(const std::string& id, const std::string& sandbox = "", const std::string& namespaces = "[]",
             bool running = true) const {
        const auto directory = store.create(id);
        REQUIRE(directory);
        ContainerState state;
        state.id = id;
        state.status = Status::running;
        state.relay = running ? self : ProcessIdentity{};
        state.vmm = running ? self : ProcessIdentity{};
        state.sandbox_id = sandbox;
        state.vm_directory = store.root() + "/" + (sandbox.empty() ? id : sandbox);
        REQUIRE(directory->write(state));
        REQUIRE(save_config(*directory, R"({"ociVersion":"1.0.2","root":{"path":"r"},"linux":{"namespaces":)" +
                                            namespaces + "}}"));
    }

    std::string own(const std::string& type) const { return fmt::format("/proc/{}/ns/{}", self.pid, type); }
};

oci::Spec member_of(const std::string& sandbox) {
    oci::Spec spec;
    spec.annotations = {{"io.kubernetes.cri.container-type", "container"},
                        {"io.kubernetes.cri.sandbox-id", sandbox}};
    return spec;
}

}  // namespace

TEST_CASE("only the callers' annotations make a sandbox") {
    CHECK(is_sandbox({{"io.kubernetes.cri.container-type", "sandbox"}}));
    CHECK(is_sandbox({{"io.kubernetes.cri-o.ContainerType", "sandbox"}}));
    CHECK_FALSE(is_sandbox({{"io.kubernetes.cri.container-type", "container"}}));
    CHECK_FALSE(is_sandbox({{"container-type", "sandbox"}}));
    CHECK_FALSE(is_sandbox({}));
}

TEST_CASE("a namespace path tells a pid only in proc's own form") {
    CHECK(pid_of_namespace_path("/proc/42/ns/ipc") == 42);
    for (const char* path : {"", "/proc/self/ns/ipc", "/proc/42", "/proc/42/root/ns/ipc", "/proc/-1/ns/ipc", "/proc/0/ns/ipc",
                             "/proc/99999999999999/ns/ipc", "/run/netns/42", "proc/42/ns/ipc", "/proc/42x/ns/ipc"})
        CHECK_MESSAGE(pid_of_namespace_path(path) == 0, path);
}

TEST_CASE("a container that nothing ties to another one has a VM of its own") {
    const Fixture fixture;
    fixture.add("other");
    oci::Spec spec;
    spec.linux.namespaces = {{NamespaceType::ipc, ""}, {NamespaceType::network, "/run/netns/x"}};
    const auto pod = find_pod(fixture.store, spec);
    REQUIRE(pod);
    CHECK_FALSE(pod->is_member());
    CHECK_FALSE(pod->sandbox);
}

TEST_CASE("a sandbox is no member, whatever id it names") {
    const Fixture fixture;
    oci::Spec spec;
    spec.annotations = {{"io.kubernetes.cri-o.ContainerType", "sandbox"}, {"io.kubernetes.cri-o.SandboxID", "self"}};
    const auto pod = find_pod(fixture.store, spec);
    REQUIRE(pod);
    CHECK(pod->sandbox);
    CHECK_FALSE(pod->is_member());
}

TEST_CASE("annotations name the sandbox, paths the namespaces that are shared") {
    const Fixture fixture;
    fixture.add("pod", "", R"([{"type":"network","path":"/run/netns/pod"},{"type":"uts","path":"/pinned"}])");
    auto spec = member_of("pod");
    spec.linux.namespaces = {{NamespaceType::mount, ""},
                             {NamespaceType::ipc, fixture.own("ipc")},
                             {NamespaceType::network, "/run/netns/pod"},
                             {NamespaceType::uts, "/pinned"},
                             {NamespaceType::pid, "/elsewhere"}};
    const auto pod = find_pod(fixture.store, spec);
    REQUIRE(pod);
    CHECK(pod->sandbox_id == "pod");
    CHECK(pod->vm_directory == fixture.root.path() + "/pod");
    CHECK(pod->vmm == fixture.self);
    REQUIRE(pod->namespaces.size() == 3);
    for (const auto& shared : pod->namespaces)
        CHECK(shared.container == "pod");
    CHECK(pod->namespaces[0].type == "ipc");
    CHECK(pod->namespaces[1].type == "network");
    CHECK(pod->namespaces[2].type == "uts");
}

TEST_CASE("podman names the sandbox without a type") {
    const Fixture fixture;
    fixture.add("infra");
    oci::Spec spec;
    spec.annotations = {{"io.kubernetes.cri-o.SandboxID", "infra"}};
    const auto pod = find_pod(fixture.store, spec);
    REQUIRE(pod);
    CHECK(pod->sandbox_id == "infra");
}

TEST_CASE("a namespace of another container's pid is enough, and of a member's leads to the same VM") {
    const Fixture fixture;
    fixture.add("a", "pod");
    fixture.add("pod", "", "[]", false);
    oci::Spec spec;
    spec.linux.namespaces = {{NamespaceType::pid, fixture.own("pid")}};
    // The sandbox's VMM does not run any more.
    CHECK(find_pod(fixture.store, spec).error().message == "the virtual machine of sandbox pod is not running");
}

TEST_CASE("a sandbox that is not there is an error that names it") {
    const Fixture fixture;
    const auto pod = find_pod(fixture.store, member_of("nobody"));
    REQUIRE_FALSE(pod);
    CHECK(pod.error().message == "sandbox nobody: container does not exist");
    // An id comes from a caller: it reaches no file outside the root.
    CHECK_FALSE(find_pod(fixture.store, member_of("../pod")));
}
