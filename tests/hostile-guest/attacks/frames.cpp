#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile {

namespace {

using agent::Connection;

bool is(const char* name) {
    const auto wanted = scenario();
    return wanted.size() == length_of(name) && same(wanted.data(), name, wanted.size());
}

/// A frame of `bytes` times `character`.
void send_many(Connection& connection, char character, u32 bytes) {
    memset(arena, character, arena_bytes);
    agent::send_length(connection, bytes);
    for (u32 sent = 0; sent < bytes; sent += 65536)
        agent::send_bytes(connection, arena, 65536);
}

/// Far more often than anybody counts, and without a look at how much the host can take.
void send_again_and_again(Connection& connection, const char* json) {
    for (u32 i = 0; i < 300; ++i)
        agent::send_frame(connection, json);
}

bool greet_wrongly(Connection& connection) {
    constexpr u32 four_mebibytes = 4 << 20;
    if (is("hello-silent"))
        return true;
    if (is("hello-huge")) {
        agent::send_length(connection, 0xffffffff);
        return true;
    }
    if (is("hello-nested")) {
        send_many(connection, '[', four_mebibytes);
        return true;
    }
    if (is("hello-garbage")) {
        send_many(connection, '\xff', 65536);
        return true;
    }
    if (is("hello-version")) {
        agent::send_frame(connection, R"({"type":"hello","version":4294967295})");
        return true;
    }
    if (is("hello-other")) {
        agent::send_frame(connection, R"({"type":"exited","status":0,"out_of_memory":false,"vm_stays":true})");
        return true;
    }
    return false;
}

bool create_wrongly(Connection& connection) {
    if (is("create-other")) {
        agent::send_frame(connection, R"({"type":"exited","status":0,"out_of_memory":false,"vm_stays":true})");
        return true;
    }
    if (is("create-escapes")) {
        agent::send_frame(connection, R"({"type":"failed","code":2,"message":"\u001b[2J\u0007no\nsuch\r\u009bthing"})");
        return true;
    }
    if (is("create-huge-pid")) {
        agent::send_frame(connection, R"({"type":"created","pid":-1})");
        return true;
    }
    return false;
}

bool start_wrongly(Connection& connection) {
    if (is("start-silent"))
        return true;
    auto& owner = agent::owner();
    if (is("exit-and-stay")) {
        agent::send_frame(connection, R"({"type":"done"})");
        agent::send_frame(owner, R"({"type":"exited","status":0,"out_of_memory":false,"vm_stays":true})");
        return true;
    }
    if (is("exit-wrong")) {
        agent::send_frame(connection, R"({"type":"done"})");
        agent::send_frame(owner, R"({"type":"exited","status":256,"out_of_memory":false,"vm_stays":false})");
        return true;
    }
    if (is("answers-twice")) {
        for (u32 i = 0; i < 100; ++i)
            agent::send_frame(connection, R"({"type":"done"})");
        agent::send_frame(owner, R"({"type":"created","pid":8})");
        return true;
    }
    if (is("kills")) {
        agent::send_frame(connection, R"({"type":"done"})");
        send_again_and_again(owner, R"({"type":"out_of_memory"})");
        return true;
    }
    return false;
}

}  // namespace

bool answer_wrongly(const char* frame, Connection& connection) {
    if (contains(frame, length_of(frame), "\"hello\""))
        return greet_wrongly(connection);
    if (contains(frame, 48, "\"create_container\""))
        return create_wrongly(connection);
    if (contains(frame, 48, "\"start_container\""))
        return start_wrongly(connection);
    return false;
}

}  // namespace hostile
