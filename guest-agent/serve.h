#pragma once

#include "guest-agent/agent.h"
#include "guest-agent/server.h"

namespace nacre::agent {

/// The sockets through which the host reaches the agent; a test gives others than vsock.
struct Endpoints {
    FileDescriptor control;  // listening
    FileDescriptor streams;  // listening
    FileDescriptor channel;  // connected: the VM channel, on which the agent says hello
    Server::Admission admits;
};

/// Serves requests and reaps children until the loop is stopped. The calling process becomes the reaper of
/// orphans' exit statuses: SIGCHLD is blocked and read from a descriptor, SIGPIPE ignored.
Result<void> serve(EventLoop& loop, Agent& agent, Endpoints endpoints);

}  // namespace nacre::agent
