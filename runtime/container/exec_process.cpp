#include "runtime/container/exec_process.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

#include "runtime/oci/json_reader.h"

namespace nacre::runtime {

namespace {

using rapidjson::Value;

/// A JSON object that is changed member by member.
class Editor {
  public:
    Editor(Value& object, rapidjson::Document::AllocatorType& allocator)
        : object_(object), allocator_(allocator) {}

    void set(const char* name, Value value) {
        object_.RemoveMember(name);
        object_.AddMember(rapidjson::StringRef(name), value, allocator_);
    }

    void set(const char* name, const std::string& text) { set(name, string(text)); }

    bool has(const char* name) const { return object_.HasMember(name) && !object_[name].IsNull(); }

    /// The member as an object or array, made if it is not there.
    Value& container(const char* name, rapidjson::Type type) {
        if (!has(name))
            set(name, Value(type));
        return object_[name];
    }

    Editor object(const char* name) { return {container(name, rapidjson::kObjectType), allocator_}; }

    void append(const char* name, const std::vector<std::string>& texts) {
        for (const auto& text : texts)
            container(name, rapidjson::kArrayType).PushBack(string(text), allocator_);
    }

    void append(const char* name, const std::vector<std::uint32_t>& numbers) {
        for (const auto number : numbers)
            container(name, rapidjson::kArrayType).PushBack(number, allocator_);
    }

  private:
    Value string(const std::string& text) {
        return {text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator_};
    }

    Value& object_;
    rapidjson::Document::AllocatorType& allocator_;
};

void change_user(Editor user, const ProcessChanges& changes) {
    if (changes.uid)
        user.set("uid", Value(*changes.uid));
    if (changes.gid)
        user.set("gid", Value(*changes.gid));
    user.append("additionalGids", changes.additional_gids);
}

void add_capabilities(Editor sets, const std::vector<std::string>& names) {
    for (const auto* set : {"bounding", "effective", "permitted"})
        sets.append(set, names);
    // Ambient ones must be inheritable, and exec makes none inheritable (CVE-2022-29162).
    if (sets.has("inheritable"))
        sets.append("ambient", names);
}

void change_process(Editor process, const ProcessChanges& changes) {
    process.set("args", Value(rapidjson::kArrayType));
    process.append("args", changes.args);
    process.set("terminal", Value(changes.terminal));
    process.append("env", changes.env);
    if (!changes.cwd.empty())
        process.set("cwd", changes.cwd);
    if (changes.no_new_privileges)
        process.set("noNewPrivileges", Value(*changes.no_new_privileges));
    if (!changes.apparmor_profile.empty())
        process.set("apparmorProfile", changes.apparmor_profile);
    if (!changes.selinux_label.empty())
        process.set("selinuxLabel", changes.selinux_label);
    change_user(process.object("user"), changes);
    if (!changes.capabilities.empty())
        add_capabilities(process.object("capabilities"), changes.capabilities);
}

std::string json_text(const Value& value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

Result<std::uint32_t> parse_id(std::string_view text, std::string_view kind) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return fail("parsing {} as int for {} failed: invalid syntax", text, kind);
    return number;
}

}  // namespace

Result<std::string> exec_process_json(const std::string& config, const ProcessChanges& changes) {
    rapidjson::Document document;
    NACRE_TRY(oci::parse_json(config, "config.json", document));
    if (!document.IsObject() || !document.HasMember("process") || !document["process"].IsObject())
        return fail("config.json: /process: is missing");
    auto& process = document["process"];
    change_process({process, document.GetAllocator()}, changes);
    return json_text(process);
}

Result<std::string> with_console_size(const std::string& process, const oci::ConsoleSize& size) {
    rapidjson::Document document;
    NACRE_TRY(oci::parse_json(process, "process.json", document));
    if (!document.IsObject())
        return fail("process.json: must be an object");
    Editor console = Editor(document, document.GetAllocator()).object("consoleSize");
    console.set("height", Value(size.height));
    console.set("width", Value(size.width));
    return json_text(document);
}

Result<void> parse_user(const std::string& text, ProcessChanges& changes) {
    const auto colon = text.find(':');
    if (colon != std::string::npos) {
        NACRE_ASSIGN(changes.gid, parse_id(std::string_view(text).substr(colon + 1), "gid"));
    }
    NACRE_ASSIGN(changes.uid, parse_id(std::string_view(text).substr(0, colon), "uid"));
    return {};
}

}  // namespace nacre::runtime
