#include "runtime/state/container_state.h"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "runtime/oci/json_reader.h"

namespace nacre::runtime {

using oci::JsonNode;

namespace {

/// Raised when state.json changes in a way that an older nacre would misread.
constexpr std::uint32_t format_version = 1;

template <class Writer>
void put(Writer& writer, std::string_view name, std::string_view value) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

template <class Writer>
void put(Writer& writer, const char* name, const oci::StringMap& map) {
    writer.Key(name);
    writer.StartObject();
    for (const auto& [key, value] : map)
        put(writer, key, value);
    writer.EndObject();
}

template <class Writer>
void put(Writer& writer, const char* name, const ProcessIdentity& process) {
    writer.Key(name);
    writer.StartObject();
    writer.Key("pid");
    writer.Int(process.pid);
    writer.Key("startTime");
    writer.Uint64(process.start_time);
    writer.EndObject();
}

template <class Writer>
void put(Writer& writer, const char* name, const std::vector<std::string>& list) {
    writer.Key(name);
    writer.StartArray();
    for (const auto& item : list)
        writer.String(item.c_str(), static_cast<rapidjson::SizeType>(item.size()));
    writer.EndArray();
}

template <class Writer>
void put(Writer& writer, const char* name, const ContainerExit& exit) {
    writer.Key(name);
    writer.StartObject();
    writer.Key("status");
    writer.Int(exit.status);
    writer.Key("outOfMemory");
    writer.Bool(exit.out_of_memory);
    put(writer, "cause", exit.cause);
    put(writer, "finished", exit.finished);
    writer.EndObject();
}

template <class Writer>
void write_oci_state(Writer& writer, const ContainerState& state, Status status, std::string_view owner) {
    writer.StartObject();
    put(writer, "ociVersion", state.oci_version);
    put(writer, "id", state.id);
    writer.Key("pid");
    writer.Int(visible_pid(state, status));
    put(writer, "status", name_of(status));
    put(writer, "bundle", state.bundle);
    put(writer, "rootfs", state.rootfs);
    put(writer, "created", state.created);
    if (!state.annotations.empty())
        put(writer, "annotations", state.annotations);
    put(writer, "owner", owner);
    if (status == Status::stopped && state.exit) {
        writer.Key("exitStatus");
        writer.Int(state.exit->status);
        if (!state.exit->cause.empty())
            put(writer, "exitCause", state.exit->cause);
    }
    writer.EndObject();
}

}  // namespace

// Found by argument-dependent lookup from the templates of json_reader.h.

static void read_value(const JsonNode& node, Status& status) {
    std::string name;
    read_value(node, name);
    if (const auto found = status_named(name))
        status = *found;
    else
        node.refuse("unknown status");
}

static void read_value(const JsonNode& node, ProcessIdentity& process) {
    if (!node.expect_object())
        return;
    node.required("pid", process.pid);
    node.required("startTime", process.start_time);
}

static void read_value(const JsonNode& node, ContainerExit& exit) {
    if (!node.expect_object())
        return;
    node.required("status", exit.status);
    node.required("outOfMemory", exit.out_of_memory);
    node.required("cause", exit.cause);
    node.required("finished", exit.finished);
}

static void read_value(const JsonNode& node, ContainerState& state) {
    if (!node.expect_object())
        return;
    std::uint32_t format = 0;
    node.required("format", format);
    if (!node.failed() && format != format_version)
        return node.refuse(
            fmt::format("format {} is not {}, which this nacre writes", format, format_version));
    node.required("id", state.id);
    node.required("ociVersion", state.oci_version);
    node.required("bundle", state.bundle);
    node.required("rootfs", state.rootfs);
    node.required("created", state.created);
    node.required("annotations", state.annotations);
    node.required("status", state.status);
    node.optional("paused", state.paused);
    node.required("creator", state.creator);
    node.required("relay", state.relay);
    node.required("vmm", state.vmm);
    node.required("vmDirectory", state.vm_directory);
    node.required("sandboxId", state.sandbox_id);
    node.required("cgroupPaths", state.cgroup_paths);
    node.optional("cgroupUnit", state.cgroup_unit);
    node.optional("deviceSlots", state.device_slots);
    node.optional("interfaces", state.interfaces);
    node.optional("exit", state.exit);
}

Status current_status(const ContainerState& state) {
    if (state.status == Status::stopped || state.exit)
        return Status::stopped;
    const auto& holder = state.status == Status::creating ? state.creator : state.relay;
    if (!is_alive(holder))
        return Status::stopped;
    return state.paused ? Status::paused : state.status;
}

pid_t visible_pid(const ContainerState& state, Status status) {
    return status == Status::stopped ? 0 : state.relay.pid;
}

std::string encode_state(const ContainerState& state) {
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.StartObject();
    writer.Key("format");
    writer.Uint(format_version);
    put(writer, "id", state.id);
    put(writer, "ociVersion", state.oci_version);
    put(writer, "bundle", state.bundle);
    put(writer, "rootfs", state.rootfs);
    put(writer, "created", state.created);
    put(writer, "annotations", state.annotations);
    put(writer, "status", name_of(state.status));
    writer.Key("paused");
    writer.Bool(state.paused);
    put(writer, "creator", state.creator);
    put(writer, "relay", state.relay);
    put(writer, "vmm", state.vmm);
    put(writer, "vmDirectory", state.vm_directory);
    put(writer, "sandboxId", state.sandbox_id);
    put(writer, "cgroupPaths", state.cgroup_paths);
    put(writer, "cgroupUnit", state.cgroup_unit);
    writer.Key("deviceSlots");
    writer.StartArray();
    for (const auto slot : state.device_slots)
        writer.Uint(slot);
    writer.EndArray();
    put(writer, "interfaces", state.interfaces);
    if (state.exit)
        put(writer, "exit", *state.exit);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

Result<ContainerState> decode_state(std::string_view text) {
    rapidjson::Document document;
    NACRE_TRY(oci::parse_json(text, "state.json", document));
    JsonNode::Refusal refusal;
    ContainerState state;
    read_value(JsonNode(document, refusal), state);
    if (!refusal.message.empty())
        return fail("state.json: {}", refusal.message);
    return state;
}

std::string oci_state_json(const ContainerState& state, Status status, bool indent, std::string_view owner) {
    rapidjson::StringBuffer buffer;
    if (indent) {
        rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
        writer.SetIndent(' ', 2);
        write_oci_state(writer, state, status, owner);
    } else {
        rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
        write_oci_state(writer, state, status, owner);
    }
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace nacre::runtime
