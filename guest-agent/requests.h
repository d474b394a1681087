#pragma once

#include "guest-agent/agent.h"
#include "guest-agent/control_connection.h"

namespace nacre::agent {

/// Carries out a request of the control port (or the VM channel) and answers it; the table is in
/// requests.cpp, a function a message.
void handle_control(Agent& agent, ControlConnection& connection, protocol::Message message);

/// The same for the stream port, where one request, AttachStream, makes the connection a stream. True if the
/// connection's socket was taken.
bool handle_stream(Agent& agent, ControlConnection& connection, const protocol::Message& message);

}  // namespace nacre::agent
