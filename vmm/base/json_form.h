#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "vmm/base/result.h"

/// JSON for the messages between processes of nacre: plain structs, each with a Form that names its members,
/// and a std::variant of all that may come. What is decoded comes from the other side and is not trusted.
///
///     template <> struct nacre::json::Form<Resize> {
///         static constexpr std::string_view type = "resize";
///         static constexpr std::tuple members{Member{"rows", &Resize::rows}};
///         static Result<void> check(const Resize&);            // optional: what types alone do not say
///     };
///
/// Members are strings, booleans, unsigned integers, enumerations with Names, structs with a Form, and
/// vectors of these. On the wire a message is {"type": "<type>", …}. Functions are reentrant and throw
/// nothing.
namespace nacre::json {

template <class T, class M>
struct Member {
    std::string_view name;
    M T::*pointer;
};

template <class T, class M>
Member(std::string_view, M T::*) -> Member<T, M>;

/// To be specialised for every struct.
template <class T>
struct Form;

/// To be specialised for every enumeration: `static constexpr std::array<std::pair<T, std::string_view>, N>
/// values`.
template <class T>
struct Names;

/// The longest list that a message may carry: far above what any configuration has.
constexpr std::size_t max_list_length = 16384;

namespace detail {

using Json = rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

inline void write(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

inline void write(Writer& writer, bool value) {
    writer.Bool(value);
}

template <class T>
requires std::is_unsigned_v<T>
void write(Writer& writer, T value) {
    writer.Uint64(value);
}

template <class T>
requires std::is_enum_v<T>
void write(Writer& writer, T value) {
    for (const auto& [candidate, name] : Names<T>::values) {
        if (candidate == value)
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

inline Result<void> read(const Json& json, std::string& target) {
    if (!json.IsString())
        return fail("must be a string");
    target.assign(json.GetString(), json.GetStringLength());
    return {};
}

inline Result<void> read(const Json& json, bool& target) {
    if (!json.IsBool())
        return fail("must be true or false");
    target = json.GetBool();
    return {};
}

template <class T>
requires std::is_unsigned_v<T> Result<void> read(const Json& json, T& target) {
    if (!json.IsUint64() || json.GetUint64() > std::numeric_limits<T>::max())
        return fail("must be a whole number from 0 to {}", std::numeric_limits<T>::max());
    target = static_cast<T>(json.GetUint64());
    return {};
}

template <class T>
requires std::is_enum_v<T> Result<void> read(const Json& json, T& target) {
    std::string text;
    NACRE_TRY(read(json, text));
    std::string known;
    for (const auto& [candidate, name] : Names<T>::values) {
        if (name == text) {
            target = candidate;
            return {};
        }
        known += (known.empty() ? "" : ", ") + std::string(name);
    }
    return fail("must be one of {}", known);
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

inline const Json* find(const Json& object, std::string_view name) {
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

template <class T>
Result<T> read_message(const Json& json) {
    T message;
    NACRE_TRY(read_members(json, message));
    if constexpr (requires { Form<T>::check(message); })
        NACRE_TRY(Form<T>::check(message));
    return message;
}

/// Tries the alternatives of Message in turn; none has that type name: no result.
template <class Message, std::size_t index = 0>
std::optional<Result<Message>> read_alternative(std::string_view type, const Json& json) {
    if constexpr (index < std::variant_size_v<Message>) {
        using T = std::variant_alternative_t<index, Message>;
        if (type != Form<T>::type)
            return read_alternative<Message, index + 1>(type, json);
        auto message = read_message<T>(json);
        if (!message)
            return Result<Message>(add_context(std::move(message).error(), std::string(type)));
        return Result<Message>(Message(std::move(*message)));
    } else {
        return std::nullopt;
    }
}

}  // namespace detail

/// The message, a std::variant, as JSON text.
template <class Message>
std::string encode(const Message& message) {
    rapidjson::StringBuffer buffer;
    detail::Writer writer(buffer);
    writer.StartObject();
    detail::write(writer, std::string_view("type"));
    std::visit(
        [&]<class T>(const T& alternative) {
            detail::write(writer, Form<T>::type);
            detail::write_members(writer, alternative);
        },
        message);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

/// The message in `text`, with every member checked: unknown type, missing or mistyped member, number out of
/// range are errors; unknown members are ignored.
template <class Message>
Result<Message> decode(std::string_view text) {
    rapidjson::Document document;
    // Iterative: nesting as deep as the text allows must not use up the stack.
    document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document.HasParseError())
        return fail("message is not JSON (error {} at byte {})", static_cast<int>(document.GetParseError()),
                    document.GetErrorOffset());
    if (!document.IsObject())
        return fail("message is not a JSON object");
    std::string type;
    NACRE_TRY(detail::read_member(document, "type", type));
    auto message = detail::read_alternative<Message>(type, document);
    if (!message)
        return fail("message of unknown type \"{}\"", type.substr(0, 64));
    return std::move(*message);
}

}  // namespace nacre::json
