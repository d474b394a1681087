#include "runtime/oci/schema_subset.h"

#include <string>
#include <unordered_set>

namespace nacre::oci {

namespace {

void collect_names(const rapidjson::Value& value, std::unordered_set<std::string_view>& names) {
    if (value.IsArray()) {
        for (const auto& element : value.GetArray())
            collect_names(element, names);
    } else if (value.IsObject()) {
        for (const auto& [name, member] : value.GetObject()) {
            names.insert({name.GetString(), name.GetStringLength()});
            collect_names(member, names);
        }
    }
}

/// Takes out of every "properties" of the schema what none of `names` is.
void keep_properties(rapidjson::Value& schema, const std::unordered_set<std::string_view>& names) {
    if (schema.IsArray()) {
        for (auto& element : schema.GetArray())
            keep_properties(element, names);
        return;
    }
    if (!schema.IsObject())
        return;
    if (const auto properties = schema.FindMember("properties");
        properties != schema.MemberEnd() && properties->value.IsObject()) {
        for (auto entry = properties->value.MemberBegin(); entry != properties->value.MemberEnd();) {
            const bool used = names.contains({entry->name.GetString(), entry->name.GetStringLength()});
            entry = used ? entry + 1 : properties->value.RemoveMember(entry);
        }
    }
    for (auto& [name, member] : schema.GetObject())
        keep_properties(member, names);
}

constexpr std::string_view reference_to_definition = "#/definitions/";

void collect_references(const rapidjson::Value& schema, const rapidjson::Value& definitions,
                        std::unordered_set<std::string>& referenced) {
    if (schema.IsArray()) {
        for (const auto& element : schema.GetArray())
            collect_references(element, definitions, referenced);
        return;
    }
    if (!schema.IsObject())
        return;
    for (const auto& [name, member] : schema.GetObject()) {
        const std::string_view text = member.IsString() ? member.GetString() : "";
        if (name != "$ref" || !text.starts_with(reference_to_definition)) {
            collect_references(member, definitions, referenced);
            continue;
        }
        const auto definition = definitions.FindMember(text.data() + reference_to_definition.size());
        if (definition != definitions.MemberEnd() && referenced.insert(definition->name.GetString()).second)
            collect_references(definition->value, definitions, referenced);
    }
}

/// Takes out the definitions that nothing in the schema leads to.
void drop_unused_definitions(rapidjson::Document& schema) {
    auto& definitions = schema["definitions"];
    std::unordered_set<std::string> referenced;  // copies: removing moves the names
    for (const auto& [name, member] : schema.GetObject()) {
        if (name != "definitions")
            collect_references(member, definitions, referenced);
    }
    for (auto entry = definitions.MemberBegin(); entry != definitions.MemberEnd();)
        entry = referenced.contains(entry->name.GetString()) ? entry + 1 : definitions.RemoveMember(entry);
}

}  // namespace

void keep_schema_of(const rapidjson::Document& document, const std::vector<std::string_view>& place,
                    rapidjson::Document& schema) {
    std::unordered_set<std::string_view> names(place.begin(), place.end());
    names.insert("ociVersion");
    collect_names(document, names);
    keep_properties(schema, names);
    drop_unused_definitions(schema);
}

}  // namespace nacre::oci
