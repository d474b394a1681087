#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "vmm/base/result.h"

/// Reads RapidJSON values into C++ ones with strict types. The first thing that is wrong is kept, with its
/// JSON pointer (RFC 6901), and everything after it is skipped: so a reader of a struct is a plain list of
/// its members, and the caller asks once, at the end, whether all was well.
namespace nacre::oci {

/// A value and its place in the document. Lives on the stack of whoever reads; the parent outlives it.
class JsonNode {
  public:
    /// Keeps the first refusal of one document.
    struct Refusal {
        std::string message;  // "/process/args/0: must be a string"; empty: none
    };

    JsonNode(const rapidjson::Value& value, Refusal& refusal) : value_(value), refusal_(refusal) {}
    JsonNode(const rapidjson::Value& value, const JsonNode& parent, std::string_view member)
        : value_(value), refusal_(parent.refusal_), parent_(&parent), member_(member) {}
    JsonNode(const rapidjson::Value& value, const JsonNode& parent, std::size_t index)
        : value_(value), refusal_(parent.refusal_), parent_(&parent), index_(index) {}

    const rapidjson::Value& value() const { return value_; }
    bool failed() const { return !refusal_.message.empty(); }

    /// Records "<pointer>: <message>" unless something was refused before.
    void refuse(std::string_view message) const;

    /// Refuses anything but an object.
    bool expect_object() const;

    /// Reads the member into `target` if it is there; null counts as absent, as Go's decoder has it.
    template <class T>
    void optional(std::string_view name, T& target) const;

    /// The same, and refuses its absence.
    template <class T>
    void required(std::string_view name, T& target) const;

  private:
    const rapidjson::Value* find(std::string_view name) const;
    std::string pointer() const;

    const rapidjson::Value& value_;
    Refusal& refusal_;
    const JsonNode* parent_ = nullptr;
    std::string_view member_;
    std::size_t index_ = 0;
};

void read_value(const JsonNode& node, bool& target);
void read_value(const JsonNode& node, std::string& target);

namespace detail {
/// Whole numbers within the bounds; anything else is refused.
std::uint64_t read_unsigned(const JsonNode& node, std::uint64_t maximum);
std::int64_t read_signed(const JsonNode& node, std::int64_t minimum, std::int64_t maximum);
bool expect_array(const JsonNode& node);
}  // namespace detail

template <class T>
requires std::is_integral_v<T>
void read_value(const JsonNode& node, T& target) {
    if constexpr (std::is_unsigned_v<T>)
        target = static_cast<T>(detail::read_unsigned(node, std::numeric_limits<T>::max()));
    else
        target = static_cast<T>(
            detail::read_signed(node, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

template <class T>
void read_value(const JsonNode& node, std::optional<T>& target) {
    read_value(node, target.emplace());
}

template <class T>
void read_value(const JsonNode& node, std::vector<T>& target) {
    if (!detail::expect_array(node))
        return;
    target.clear();
    target.reserve(node.value().Size());
    for (std::size_t i = 0; i < node.value().Size() && !node.failed(); ++i)
        read_value(JsonNode(node.value()[static_cast<rapidjson::SizeType>(i)], node, i),
                   target.emplace_back());
}

template <class T>
void read_value(const JsonNode& node, std::map<std::string, T>& target) {
    if (!node.expect_object())
        return;
    for (const auto& member : node.value().GetObject()) {
        const std::string name(member.name.GetString(), member.name.GetStringLength());
        read_value(JsonNode(member.value, node, name), target[name]);
    }
}

template <class T>
void JsonNode::optional(std::string_view name, T& target) const {
    const auto* found = failed() ? nullptr : find(name);
    if (found != nullptr)
        read_value(JsonNode(*found, *this, name), target);
}

template <class T>
void JsonNode::required(std::string_view name, T& target) const {
    if (!failed() && find(name) == nullptr)
        refuse(fmt::format("\"{}\" is missing", name));
    optional(name, target);
}

/// What walks a document may be recursive: the schema validator is.
constexpr std::size_t max_json_depth = 1000;

/// Parses `text` (UTF-8, arrays and objects nested up to `max_json_depth`) into `document`. Errors name `file` and
/// line:column.
Result<void> parse_json(std::string_view text, std::string_view file, rapidjson::Document& document);

}  // namespace nacre::oci
