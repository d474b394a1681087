#include "guest-agent/serve.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "guest-agent/requests.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

Result<FileDescriptor> take_child_signals() {
    // A broken connection is an error of splice(2), not the agent's end.
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (::sigprocmask(SIG_BLOCK, &children, nullptr) < 0)
        return fail_errno("block SIGCHLD");
    FileDescriptor signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals)
        return fail_errno("make signalfd");
    return signals;
}

void drain(int signals) {
    signalfd_siginfo info;
    while (::read(signals, &info, sizeof info) > 0) {
    }
}

Result<void> say_hello(Server& server, FileDescriptor channel) {
    if (!channel)
        return {};
    NACRE_ASSIGN(const auto hello, protocol::frame(protocol::encode(protocol::Hello{})));
    NACRE_TRY(write_all(channel.get(), hello));
    return server.adopt(std::move(channel));
}

}  // namespace

Result<void> serve(EventLoop& loop, Agent& agent, Endpoints endpoints) {
    NACRE_ASSIGN(const auto signals, take_child_signals());
    NACRE_TRY(loop.add(signals.get(), EPOLLIN, [&, fd = signals.get()](std::uint32_t) {
        drain(fd);
        agent.reap_children();
    }));
    NACRE_ASSIGN(const auto control,
                 Server::start(loop, std::move(endpoints.control), endpoints.admits,
                               [&](ControlConnection& connection, protocol::Message message) {
                                   handle_control(agent, connection, std::move(message));
                               }));
    std::unique_ptr<Server> streams;
    NACRE_ASSIGN(streams, Server::start(loop, std::move(endpoints.streams), endpoints.admits,
                                        [&](ControlConnection& connection, const protocol::Message& message) {
                                            if (handle_stream(agent, connection, message))
                                                streams->forget(connection);
                                        }));
    NACRE_TRY(say_hello(*control, std::move(endpoints.channel)));
    auto result = loop.run();
    loop.remove(signals.get());
    return result;
}

}  // namespace nacre::agent
