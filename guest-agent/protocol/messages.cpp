#include "guest-agent/protocol/messages.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace nacre::protocol {

namespace {

using Json = rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

// --- The JSON form of every type: its members, by name

template <class T, class M>
struct Member {
    std::string_view name;
    M T::*pointer;
};

template <class T, class M>
Member(std::string_view, M T::*) -> Member<T, M>;

template <class T>
struct Form;

template <>
struct Form<ProcessName> {
    static constexpr std::tuple members{Member{"container", &ProcessName::container},
                                        Member{"exec", &ProcessName::exec}};
};
template <>
struct Form<MountSource> {
    static constexpr std::tuple members{Member{"index", &MountSource::index},
                                        Member{"path", &MountSource::path}};
};
template <>
struct Form<Hello> {
    static constexpr std::string_view type = "hello";
    static constexpr std::tuple members{Member{"version", &Hello::version}};
};
template <>
struct Form<Shutdown> {
    static constexpr std::string_view type = "shutdown";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<CreateContainer> {
    static constexpr std::string_view type = "create_container";
    static constexpr std::tuple members{
        Member{"id", &CreateContainer::id}, Member{"config", &CreateContainer::config},
        Member{"rootfs", &CreateContainer::rootfs}, Member{"mounts", &CreateContainer::mounts},
        Member{"standalone", &CreateContainer::standalone}};
};
template <>
struct Form<RunHooks> {
    static constexpr std::string_view type = "run_hooks";
    static constexpr std::tuple members{Member{"id", &RunHooks::id}, Member{"stage", &RunHooks::stage},
                                        Member{"state", &RunHooks::state}};
};
template <>
struct Form<StartContainer> {
    static constexpr std::string_view type = "start_container";
    static constexpr std::tuple members{Member{"id", &StartContainer::id}};
};
template <>
struct Form<ExecProcess> {
    static constexpr std::string_view type = "exec_process";
    static constexpr std::tuple members{Member{"name", &ExecProcess::name},
                                        Member{"process", &ExecProcess::process},
                                        Member{"cgroup", &ExecProcess::cgroup}};
};
template <>
struct Form<SignalProcess> {
    static constexpr std::string_view type = "signal_process";
    static constexpr std::tuple members{Member{"name", &SignalProcess::name},
                                        Member{"signal", &SignalProcess::signal},
                                        Member{"all", &SignalProcess::all}};
};
template <>
struct Form<ResizeTerminal> {
    static constexpr std::string_view type = "resize_terminal";
    static constexpr std::tuple members{Member{"name", &ResizeTerminal::name},
                                        Member{"rows", &ResizeTerminal::rows},
                                        Member{"columns", &ResizeTerminal::columns}};
};
template <>
struct Form<DeleteContainer> {
    static constexpr std::string_view type = "delete_container";
    static constexpr std::tuple members{Member{"id", &DeleteContainer::id}};
};
template <>
struct Form<FreezeContainer> {
    static constexpr std::string_view type = "freeze_container";
    static constexpr std::tuple members{Member{"id", &FreezeContainer::id},
                                        Member{"frozen", &FreezeContainer::frozen}};
};
template <>
struct Form<UpdateContainer> {
    static constexpr std::string_view type = "update_container";
    static constexpr std::tuple members{Member{"id", &UpdateContainer::id},
                                        Member{"resources", &UpdateContainer::resources}};
};
template <>
struct Form<ListProcesses> {
    static constexpr std::string_view type = "list_processes";
    static constexpr std::tuple members{Member{"id", &ListProcesses::id}};
};
template <>
struct Form<ReadCgroup> {
    static constexpr std::string_view type = "read_cgroup";
    static constexpr std::tuple members{Member{"id", &ReadCgroup::id}};
};
template <>
struct Form<WatchContainer> {
    static constexpr std::string_view type = "watch_container";
    static constexpr std::tuple members{Member{"id", &WatchContainer::id}};
};
template <>
struct Form<GuestProcess> {
    static constexpr std::tuple members{Member{"pid", &GuestProcess::pid},
                                        Member{"parent", &GuestProcess::parent},
                                        Member{"uid", &GuestProcess::uid},
                                        Member{"cpu_seconds", &GuestProcess::cpu_seconds},
                                        Member{"age_seconds", &GuestProcess::age_seconds},
                                        Member{"state", &GuestProcess::state},
                                        Member{"terminal", &GuestProcess::terminal},
                                        Member{"name", &GuestProcess::name},
                                        Member{"command", &GuestProcess::command}};
};
template <>
struct Form<Processes> {
    static constexpr std::string_view type = "processes";
    static constexpr std::tuple members{Member{"processes", &Processes::processes},
                                        Member{"left_out", &Processes::left_out}};
};
template <>
struct Form<CgroupFile> {
    static constexpr std::tuple members{Member{"name", &CgroupFile::name},
                                        Member{"content", &CgroupFile::content}};
};
template <>
struct Form<CgroupFiles> {
    static constexpr std::string_view type = "cgroup_files";
    static constexpr std::tuple members{Member{"files", &CgroupFiles::files}};
};
template <>
struct Form<AttachStream> {
    static constexpr std::string_view type = "attach_stream";
    static constexpr std::tuple members{Member{"name", &AttachStream::name},
                                        Member{"stream", &AttachStream::stream}};
};
template <>
struct Form<Done> {
    static constexpr std::string_view type = "done";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<Created> {
    static constexpr std::string_view type = "created";
    static constexpr std::tuple members{Member{"pid", &Created::pid}};
};
template <>
struct Form<Failed> {
    static constexpr std::string_view type = "failed";
    static constexpr std::tuple members{Member{"code", &Failed::code}, Member{"message", &Failed::message}};
};
template <>
struct Form<Exited> {
    static constexpr std::string_view type = "exited";
    static constexpr std::tuple members{Member{"status", &Exited::status},
                                        Member{"out_of_memory", &Exited::out_of_memory}};
};
template <>
struct Form<OutOfMemory> {
    static constexpr std::string_view type = "out_of_memory";
    static constexpr std::tuple<> members{};
};

constexpr std::array<std::pair<Stream, std::string_view>, 3> stream_names{{
    {Stream::standard_input, "stdin"},
    {Stream::standard_output, "stdout"},
    {Stream::standard_error, "stderr"},
}};

// --- Writing

void write(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write(Writer& writer, bool value) {
    writer.Bool(value);
}

template <class T>
requires std::is_unsigned_v<T>
void write(Writer& writer, T value) {
    writer.Uint(value);
}

void write(Writer& writer, Stream value) {
    for (const auto& [stream, name] : stream_names) {
        if (stream == value)
            write(writer, name);
    }
}

template <class T>
void write_members(Writer& writer, const T& object);

template <class T>
requires requires {
    Form<T>::members;
}
void write(Writer& writer, const T& object) {
    writer.StartObject();
    write_members(writer, object);
    writer.EndObject();
}

template <class T>
void write(Writer& writer, const std::vector<T>& list) {
    writer.StartArray();
    for (const auto& element : list)
        write(writer, element);
    writer.EndArray();
}

template <class T>
void write_members(Writer& writer, const T& object) {
    const auto write_one = [&](const auto& member) {
        write(writer, member.name);
        write(writer, object.*member.pointer);
    };
    std::apply([&](const auto&... member) { (write_one(member), ...); }, Form<T>::members);
}

// --- Reading

/// The longest list that a message may carry: far above what any configuration has.
constexpr std::size_t max_list_length = 16384;

Result<void> read(const Json& json, std::string& target) {
    if (!json.IsString())
        return fail("must be a string");
    target.assign(json.GetString(), json.GetStringLength());
    return {};
}

Result<void> read(const Json& json, bool& target) {
    if (!json.IsBool())
        return fail("must be true or false");
    target = json.GetBool();
    return {};
}

template <class T>
requires std::is_unsigned_v<T> Result<void> read(const Json& json, T& target) {
    if (!json.IsUint() || json.GetUint() > std::numeric_limits<T>::max())
        return fail("must be a whole number from 0 to {}", std::numeric_limits<T>::max());
    target = static_cast<T>(json.GetUint());
    return {};
}

Result<void> read(const Json& json, Stream& target) {
    std::string text;
    NACRE_TRY(read(json, text));
    for (const auto& [stream, name] : stream_names) {
        if (name == text) {
            target = stream;
            return {};
        }
    }
    return fail("must be stdin, stdout or stderr");
}

template <class T>
Result<void> read_members(const Json& json, T& target);

template <class T>
requires requires {
    Form<T>::members;
}
Result<void> read(const Json& json, T& target) {
    if (!json.IsObject())
        return fail("must be an object");
    return read_members(json, target);
}

template <class T>
Result<void> read(const Json& json, std::vector<T>& target) {
    if (!json.IsArray() || json.Size() > max_list_length)
        return fail("must be a list of at most {} elements", max_list_length);
    for (const auto& element : json.GetArray())
        NACRE_TRY(read(element, target.emplace_back()));
    return {};
}

const Json* find(const Json& object, std::string_view name) {
    const auto found =
        object.FindMember(Json(rapidjson::StringRef(name.data(), static_cast<unsigned>(name.size()))));
    return found == object.MemberEnd() ? nullptr : &found->value;
}

template <class M>
Result<void> read_member(const Json& object, std::string_view name, M& target) {
    const auto* json = find(object, name);
    if (json == nullptr)
        return fail("\"{}\" is missing", name);
    auto result = read(*json, target);
    if (!result)
        return add_context(std::move(result).error(), std::string(name));
    return {};
}

template <class T>
Result<void> read_members(const Json& json, T& target) {
    Result<void> result;
    const auto read_one = [&](const auto& member) {
        if (result)
            result = read_member(json, member.name, target.*member.pointer);
    };
    std::apply([&](const auto&... member) { (read_one(member), ...); }, Form<T>::members);
    return result;
}

// --- What types alone do not say

template <class T>
Result<void> check(const T&) {
    return {};
}

Result<void> check(const Exited& message) {
    if (message.status > 255)
        return fail("status {} is not an exit status", message.status);
    return {};
}

Result<void> check(const SignalProcess& message) {
    constexpr std::uint32_t last_signal = 64;
    if (message.signal > last_signal)
        return fail("{} is not a signal", message.signal);
    return {};
}

template <class T>
Result<Message> read_message(const Json& json) {
    T message;
    NACRE_TRY(read_members(json, message));
    NACRE_TRY(check(message));
    return Message(std::move(message));
}

/// Tries the alternatives of Message in turn; none has that type name: no result.
template <std::size_t index = 0>
std::optional<Result<Message>> read_alternative(std::string_view type, const Json& json) {
    if constexpr (index < std::variant_size_v<Message>) {
        using T = std::variant_alternative_t<index, Message>;
        if (type != Form<T>::type)
            return read_alternative<index + 1>(type, json);
        auto message = read_message<T>(json);
        if (!message)
            return Result<Message>(add_context(std::move(message).error(), std::string(type)));
        return message;
    } else {
        return std::nullopt;
    }
}

}  // namespace

std::string encode(const Message& message) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    write(writer, std::string_view("type"));
    std::visit(
        [&]<class T>(const T& alternative) {
            write(writer, Form<T>::type);
            write_members(writer, alternative);
        },
        message);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

Result<Message> decode(std::string_view text) {
    rapidjson::Document document;
    // Iterative: nesting as deep as the frame allows must not use up the stack.
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document.HasParseError())
        return fail("message is not JSON (error {} at byte {})", static_cast<int>(document.GetParseError()),
                    document.GetErrorOffset());
    if (!document.IsObject())
        return fail("message is not a JSON object");
    std::string type;
    NACRE_TRY(read_member(document, "type", type));
    auto message = read_alternative(type, document);
    if (!message)
        return fail("message of unknown type \"{}\"", type.substr(0, 64));
    return std::move(*message);
}

}  // namespace nacre::protocol
