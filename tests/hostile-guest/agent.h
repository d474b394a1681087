#pragma once

#include "tests/hostile-guest/vsock.h"

/// Plays the guest agent (guest-agent/protocol), well enough that the host believes in a container, and refuses to end.
namespace hostile::agent {

/// A connection of the host's, or the one that says hello.
struct Connection {
    u32 own_port = 0;
    u32 host_port = 0;
    u32 forwarded = 0;
    u32 sent = 0;
    u32 host_buffer = 0;     // what the host has room for, and what it has passed on
    u32 host_forwarded = 0;
    u64 frame_bytes = 0;   // of the frame that is arriving, its length included
    u8 length[4] = {};
    char head[96] = {};    // how the frame begins, after its length

    bool is_open() const { return host_port != 0; }
};

/// Waits until the host has room, and takes what it sends meanwhile.
void send_bytes(Connection& connection, const void* bytes, u32 size);
/// A frame with that JSON in it.
void send_frame(Connection& connection, const char* json);
/// A frame's length alone.
void send_length(Connection& connection, u32 length);

/// Says hello, and answers the host until the container is started.
void serve_until_started();

/// Answers what the host has asked meanwhile.
void serve();

/// The connection that the container's life hangs on.
Connection& owner();

}  // namespace hostile::agent
