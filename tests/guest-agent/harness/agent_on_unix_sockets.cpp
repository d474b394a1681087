// agent_on_unix_sockets <directory> <share> <cgroup>: the agent outside a VM, for tests as root in the lab.
// It listens on <directory>/control and <directory>/streams; "power off" ends it with status 0.
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "guest-agent/serve.h"

namespace {

using namespace nacre;

Result<FileDescriptor> listen_at(const std::string& path) {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail("{}: too long for a socket", path);
    path.copy(address.sun_path, path.size());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
        ::listen(socket.get(), 64) < 0)
        return fail_errno("listen at {}", path);
    return socket;
}

Result<void> run(const std::string& directory, const std::string& share, const std::string& cgroup) {
    // Where containers attach their roots (guest-agent/container/init_process.cpp).
    ::mkdir("/run/nacre", 0755);
    ::mkdir("/run/nacre/root", 0755);
    NACRE_ASSIGN(const auto loop, EventLoop::create());
    agent::Agent agent(
        *loop, {share, [] { return Result<void>{}; }, "/sys", cgroup, [] { std::_Exit(EXIT_SUCCESS); }});
    agent::Endpoints endpoints;
    NACRE_ASSIGN(endpoints.control, listen_at(directory + "/control"));
    NACRE_ASSIGN(endpoints.streams, listen_at(directory + "/streams"));
    endpoints.admits = [](int) { return true; };
    return agent::serve(*loop, agent, std::move(endpoints));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: agent_on_unix_sockets <directory> <share> <cgroup>\n");
        return 2;
    }
    const auto result = run(argv[1], argv[2], argv[3]);
    std::fprintf(stderr, "agent_on_unix_sockets: %s\n", result ? "stopped" : result.error().message.c_str());
    return EXIT_FAILURE;
}
