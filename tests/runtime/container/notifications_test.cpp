#include "runtime/container/notifications.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/runtime/temporary_directory.h"

using namespace nacre;
using namespace nacre::runtime;

namespace {

/// A bundle with a manager's socket in its directory "notify", which the configuration binds.
struct Fixture {
    TemporaryDirectory bundle;
    FileDescriptor manager{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    oci::Spec spec;

    Fixture() {
        std::filesystem::create_directory(bundle.path() + "/notify");
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const auto path = bundle.path() + "/notify/notify.sock";
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        REQUIRE(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        spec.process.emplace();
        spec.process->env = {"PATH=/bin", "NOTIFY_SOCKET=/run/notify/notify.sock"};
        bind("notify", "/run/notify");
    }

    void bind(const std::string& source, const std::string& destination) {
        oci::Mount mount;
        mount.type = "bind";
        mount.source = source;
        mount.destination = destination;
        spec.mounts.push_back(mount);
    }

    NotifyPlan plan(const std::string& address = "") const {
        return plan_notify_socket(address, spec, bundle.path());
    }

    bool is_reached_by(const NotifyPlan& plan) const {
        std::array<char, 8> buffer{};
        return ::send(plan.receiver.get(), "x", 1, 0) == 1 &&
               ::recv(manager.get(), buffer.data(), buffer.size(), 0) == 1;
    }
};

}  // namespace

TEST_CASE("links that a container may have left in a volume are not followed") {
    Fixture fixture;
    const auto notify = fixture.bundle.path() + "/notify";
    std::filesystem::create_symlink("notify.sock", notify + "/link");
    fixture.spec.process->env = {"NOTIFY_SOCKET=/run/notify/link"};
    CHECK(fixture.plan().path.empty());
    std::filesystem::create_symlink(notify, notify + "/directory");
    fixture.spec.process->env = {"NOTIFY_SOCKET=/run/notify/directory/notify.sock"};
    CHECK(fixture.plan().path.empty());
}

TEST_CASE("a configuration without a socket of the host asks for nothing") {
    Fixture fixture;
    fixture.spec.process->env = {"NOTIFY_SOCKET=/run/notify/absent"};
    CHECK(fixture.plan().path.empty());
    fixture.spec.process->env = {"NOTIFY_SOCKET=/elsewhere/notify.sock"};
    CHECK(fixture.plan().path.empty());
    fixture.spec.process->env = {"NOTIFY_SOCKET=@abstract"};
    CHECK(fixture.plan().path.empty());
    fixture.spec.process->env = {};
    CHECK(fixture.plan().path.empty());
}

TEST_CASE("a socket that the configuration binds is reached, in a directory or by itself") {
    Fixture fixture;
    CHECK(fixture.plan().path == "/run/notify/notify.sock");
    CHECK(fixture.is_reached_by(fixture.plan()));
    fixture.bind("notify/notify.sock", "/run/manager");
    fixture.spec.process->env.push_back("NOTIFY_SOCKET=/run/manager");
    CHECK(fixture.plan().path == "/run/manager");
    CHECK(fixture.is_reached_by(fixture.plan()));
}

TEST_CASE("a later mount over it hides the socket") {
    Fixture fixture;
    fixture.bind("notify", "/run");
    CHECK(fixture.plan().path.empty());
}

TEST_CASE("nacre's own NOTIFY_SOCKET gives the container a socket where runc has it") {
    const Fixture fixture;
    const auto plan = fixture.plan("/run/systemd/notify");
    CHECK(plan.path == "/run/notify/notify.sock");
    CHECK_FALSE(plan.receiver);
}
