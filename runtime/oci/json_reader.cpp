#include "runtime/oci/json_reader.h"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <optional>

namespace nacre::oci {

namespace {

std::string_view type_name(const rapidjson::Value& value) {
    switch (value.GetType()) {
        case rapidjson::kNullType:
            return "null";
        case rapidjson::kFalseType:
        case rapidjson::kTrueType:
            return "a boolean";
        case rapidjson::kObjectType:
            return "an object";
        case rapidjson::kArrayType:
            return "an array";
        case rapidjson::kStringType:
            return "a string";
        case rapidjson::kNumberType:
            return "a number";
    }
    return "something else";
}

void refuse_type(const JsonNode& node, std::string_view wanted) {
    node.refuse(fmt::format("must be {}, not {}", wanted, type_name(node.value())));
}

/// RFC 6901 escapes; control characters would break the one line of an error.
std::string escape_token(std::string_view token) {
    std::string escaped;
    for (const char c : token) {
        if (c == '~')
            escaped += "~0";
        else if (c == '/')
            escaped += "~1";
        else
            escaped += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
    return escaped;
}

}  // namespace

std::string JsonNode::pointer() const {
    if (parent_ == nullptr)
        return {};
    const bool in_array = parent_->value_.IsArray();
    return parent_->pointer() + "/" + (in_array ? std::to_string(index_) : escape_token(member_));
}

void JsonNode::refuse(std::string_view message) const {
    if (failed())
        return;
    const auto place = pointer();
    refusal_.message = place.empty() ? std::string(message) : fmt::format("{}: {}", place, message);
}

bool JsonNode::expect_object() const {
    if (!failed() && !value_.IsObject())
        refuse_type(*this, "an object");
    return !failed();
}

const rapidjson::Value* JsonNode::find(std::string_view name) const {
    const rapidjson::Value key(rapidjson::StringRef(name.data(), name.size()));
    const auto member = value_.FindMember(key);
    if (member == value_.MemberEnd() || member->value.IsNull())
        return nullptr;
    return &member->value;
}

void read_value(const JsonNode& node, bool& target) {
    if (node.value().IsBool())
        target = node.value().GetBool();
    else
        refuse_type(node, "true or false");
}

void read_value(const JsonNode& node, std::string& target) {
    const auto& value = node.value();
    if (!value.IsString())
        return refuse_type(node, "a string");
    target.assign(value.GetString(), value.GetStringLength());
    // Every string of a configuration ends up in a system call, where it would be cut off at the zero.
    if (target.find('\0') != std::string::npos)
        node.refuse("must not contain a zero byte");
}

namespace detail {

std::uint64_t read_unsigned(const JsonNode& node, std::uint64_t maximum) {
    const auto& value = node.value();
    if (value.IsUint64() && value.GetUint64() <= maximum)
        return value.GetUint64();
    if (value.IsNumber())
        node.refuse(fmt::format("must be a whole number from 0 to {}", maximum));
    else
        refuse_type(node, "a number");
    return 0;
}

std::int64_t read_signed(const JsonNode& node, std::int64_t minimum, std::int64_t maximum) {
    const auto& value = node.value();
    if (value.IsInt64() && value.GetInt64() >= minimum && value.GetInt64() <= maximum)
        return value.GetInt64();
    if (value.IsNumber())
        node.refuse(fmt::format("must be a whole number from {} to {}", minimum, maximum));
    else
        refuse_type(node, "a number");
    return 0;
}

bool expect_array(const JsonNode& node) {
    if (!node.failed() && !node.value().IsArray())
        refuse_type(node, "an array");
    return !node.failed();
}

}  // namespace detail

namespace {

/// The offset where arrays and objects nest deeper than `max_json_depth`; the text need not be valid.
std::optional<std::size_t> too_deep_at(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t offset = 0; offset < text.size(); ++offset) {
        const char c = text[offset];
        if (in_string && c == '\\')
            ++offset;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{') && ++depth > max_json_depth)
            return offset;
        else if (!in_string && (c == ']' || c == '}') && depth > 0)
            --depth;
    }
    return std::nullopt;
}

tl::unexpected<Error> fail_at(std::string_view text, std::size_t offset, std::string_view file,
                              std::string_view why) {
    const auto before = text.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto last_newline = before.rfind('\n');
    const auto column = last_newline == std::string_view::npos ? offset + 1 : offset - last_newline;
    return fail("{}:{}:{}: {}", file, line, column, why);
}

}  // namespace

Result<void> parse_json(std::string_view text, std::string_view file, rapidjson::Document& document) {
    if (const auto offset = too_deep_at(text))
        return fail_at(text, *offset, file, fmt::format("nested deeper than {} levels", max_json_depth));
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    document.Parse<flags>(text.data(), text.size());
    if (!document.HasParseError())
        return {};
    return fail_at(text, std::min(document.GetErrorOffset(), text.size()), file,
                   fmt::format("not valid JSON: {}", rapidjson::GetParseError_En(document.GetParseError())));
}

}  // namespace nacre::oci
