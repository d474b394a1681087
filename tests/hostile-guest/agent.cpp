#include "tests/hostile-guest/agent.h"

#include "tests/hostile-guest/attacks/attacks.h"

namespace hostile::agent {

namespace {

constexpr u32 channel_port = 1024;
constexpr u32 own_channel_port = 5000;
constexpr u32 most_connections = 32;

Connection channel;
Connection connections[most_connections];
Connection* owner_connection = &connections[0];
bool started;

void send_op(Connection& connection, Op op) {
    PacketHeader header;
    header.source_port = connection.own_port;
    header.destination_port = connection.host_port;
    header.op = op;
    header.forwarded_bytes = connection.forwarded;
    vsock::send(header);
}

/// What an agent would answer to the frame in `connection`.
const char* proper_answer(const char* frame) {
    const auto is = [&](const char* type) { return contains(frame, 48, type); };
    if (is("\"create_container\""))
        return R"({"type":"created","pid":7})";
    if (is("\"probe_device\""))
        return R"({"type":"device_found","kind":"block","name":"vda"})";
    if (is("\"set_online_cpus\""))
        return R"({"type":"online_cpus","count":1})";
    if (is("\"list_processes\""))
        return R"({"type":"processes","processes":[],"left_out":0})";
    if (is("\"read_proc_files\"") || is("\"read_cgroup\"") || is("\"exec_process\""))
        return R"({"type":"failed","code":5,"message":"no"})";
    return R"({"type":"done"})";
}

void answer(Connection& connection) {
    const auto* frame = connection.head;
    if (contains(frame, 48, "\"create_container\""))
        owner_connection = &connection;
    if (!answer_wrongly(frame, connection))
        send_frame(connection, proper_answer(frame));
    if (contains(frame, 48, "\"start_container\""))
        started = true;
    connection.frame_bytes = 0;
    memset(connection.head, 0, sizeof connection.head);
}

/// The stream's bytes, frame by frame; of each only its beginning is kept.
void take(Connection& connection, const u8* bytes, u32 size) {
    for (u32 i = 0; i < size; ++i) {
        const u64 place = connection.frame_bytes++;
        if (place < 4)
            connection.length[place] = bytes[i];
        else if (place - 4 < sizeof connection.head - 1)
            connection.head[place - 4] = static_cast<char>(bytes[i]);
        u32 length;
        memcpy(&length, connection.length, sizeof length);
        if (connection.frame_bytes >= 4 && connection.frame_bytes == u64{4} + length)
            answer(connection);
    }
    connection.forwarded += size;
    send_op(connection, Op::credit_update);
}

void take_credit(Connection& connection, const PacketHeader& header) {
    connection.host_buffer = header.buffer_bytes;
    connection.host_forwarded = header.forwarded_bytes;
}

Connection* find(u32 own_port, u32 host_port) {
    if (channel.own_port == own_port && channel.host_port == host_port)
        return &channel;
    for (auto& connection : connections) {
        if (connection.own_port == own_port && connection.host_port == host_port)
            return &connection;
    }
    return nullptr;
}

void accept(const PacketHeader& request) {
    for (auto& connection : connections) {
        if (connection.is_open())
            continue;
        connection = Connection{};
        connection.own_port = request.destination_port;
        connection.host_port = request.source_port;
        take_credit(connection, request);
        return send_op(connection, Op::response);
    }
}

void handle(const Packet& packet) {
    const auto& header = packet.header;
    if (header.op == Op::request)
        return accept(header);
    auto* connection = find(header.destination_port, header.source_port);
    if (connection == nullptr)
        return;
    take_credit(*connection, header);
    // The answer may have to wait for packets, of which the last received is in the way.
    u8 payload[4096];
    memcpy(payload, packet.payload, packet.bytes);
    if (header.op == Op::data && connection != &channel)
        take(*connection, payload, packet.bytes);
    // An output stream is half-closed by the host, and goes on.
    const bool ended = header.op == Op::shutdown && (header.flags & 1) != 0;
    if (ended)
        send_op(*connection, Op::reset);
    if (ended || header.op == Op::reset)
        *connection = Connection{};
}

}  // namespace

Connection& owner() {
    return *owner_connection;
}

void send_bytes(Connection& connection, const void* bytes, u32 size) {
    PacketHeader header;
    header.source_port = connection.own_port;
    header.destination_port = connection.host_port;
    header.op = Op::data;
    header.length = size;
    header.forwarded_bytes = connection.forwarded;
    while (connection.is_open() && connection.sent + size - connection.host_forwarded > connection.host_buffer)
        serve();
    connection.sent += size;
    vsock::send(header, bytes, size);
}

void send_length(Connection& connection, u32 length) {
    send_bytes(connection, &length, sizeof length);
}

void send_frame(Connection& connection, const char* json) {
    send_length(connection, length_of(json));
    send_bytes(connection, json, length_of(json));
}

void serve() {
    Packet packet;
    while (vsock::receive(packet))
        handle(packet);
}

void serve_until_started() {
    vsock::start();
    channel.own_port = own_channel_port;
    channel.host_port = channel_port;
    send_op(channel, Op::request);
    Packet packet;
    while (!vsock::receive(packet) || packet.header.op != Op::response)
        relax();
    take_credit(channel, packet.header);
    if (!answer_wrongly("\"hello\"", channel))
        send_frame(channel, R"({"type":"hello","version":1})");
    while (!started) {
        serve();
        relax();
    }
}

}  // namespace hostile::agent
