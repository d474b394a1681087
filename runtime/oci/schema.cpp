#include "runtime/oci/schema.h"

#include <rapidjson/document.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/oci/embedded_schema.h"
#include "runtime/oci/json_reader.h"
#include "runtime/oci/schema_subset.h"

namespace nacre::oci {

namespace {

/// Where in a whole configuration the part stands.
std::vector<std::string_view> place_of(Part part) {
    switch (part) {
        case Part::config:
            return {};
        case Part::process:
            return {"process"};
        case Part::resources:
            return {"linux", "resources"};
    }
    return {};
}

/// A member that is null counts as absent, as Go's decoder has it, which the schema does not know.
void drop_null_members(rapidjson::Value& value) {
    if (value.IsArray()) {
        for (auto& element : value.GetArray())
            drop_null_members(element);
    }
    if (!value.IsObject())
        return;
    for (auto member = value.MemberBegin(); member < value.MemberEnd();) {
        if (member->value.IsNull()) {
            member = value.EraseMember(member);
            continue;
        }
        drop_null_members(member->value);
        ++member;
    }
}

/// Shows the document to the validator as if it were at its place in a whole configuration.
void accept_at_place(const rapidjson::Document& document, const std::vector<std::string_view>& place,
                     rapidjson::SchemaValidator& validator) {
    const auto key = [&](std::string_view name) {
        validator.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()), true);
    };
    for (const auto& name : place) {
        validator.StartObject();
        key(name);
    }
    document.Accept(validator);
    if (place.empty() || !validator.IsValid())
        return;
    for (std::size_t depth = place.size() - 1; depth > 0; --depth)
        validator.EndObject(1);
    constexpr std::string_view version = "1.0.0";
    key("ociVersion");
    validator.String(version.data(), static_cast<rapidjson::SizeType>(version.size()), true);
    validator.EndObject(2);
}

std::string text_of(const rapidjson::Pointer& pointer) {
    rapidjson::StringBuffer buffer;
    pointer.Stringify(buffer);
    return {buffer.GetString(), buffer.GetSize()};
}

/// "pattern must be "^RLIMIT_[A-Z]+$"", from the schema itself.
std::string broken_rule(const rapidjson::Document& schema, const rapidjson::SchemaValidator& validator) {
    const std::string keyword = validator.GetInvalidSchemaKeyword();
    const auto length = static_cast<rapidjson::SizeType>(keyword.size());
    const auto* rule = validator.GetInvalidSchemaPointer().Append(keyword.c_str(), length).Get(schema);
    if (rule == nullptr)
        return keyword;
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    rule->Accept(writer);
    return fmt::format("{} must be {}", keyword, buffer.GetString());
}

}  // namespace

Result<void> check_schema(std::string_view text, Part part, std::string_view file) {
    rapidjson::Document document;
    NACRE_TRY(parse_json(text, file, document));
    drop_null_members(document);
    const auto place = place_of(part);
    rapidjson::Document schema_text;
    schema_text.Parse(embedded_schema.data());
    keep_schema_of(document, place, schema_text);
    const rapidjson::SchemaDocument schema(schema_text);
    rapidjson::SchemaValidator validator(schema);
    accept_at_place(document, place, validator);
    if (validator.IsValid())
        return {};
    auto pointer = text_of(validator.GetInvalidDocumentPointer());
    for (const auto& name : place)
        pointer.erase(0, std::min(pointer.size(), name.size() + 1));
    return fail("{}: {}does not match the schema of the OCI runtime specification: {}", file,
                pointer.empty() ? "" : pointer + ": ", broken_rule(schema_text, validator));
}

}  // namespace nacre::oci
