#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <unistd.h>

#include <span>

#include "runtime/cli/version.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/supported_features.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;
using Names = std::span<const std::string_view>;

void put(Writer& writer, const char* name, std::string_view value) {
    writer.Key(name);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

// Not put(): a string literal would rather become a bool than a string_view.
void put_flag(Writer& writer, const char* name, bool value) {
    writer.Key(name);
    writer.Bool(value);
}

void put(Writer& writer, const char* name, Names list) {
    writer.Key(name);
    writer.StartArray();
    for (const auto& item : list)
        writer.String(item.data(), static_cast<rapidjson::SizeType>(item.size()));
    writer.EndArray();
}

template <class Content>
void put_object(Writer& writer, const char* name, Content content) {
    writer.Key(name);
    writer.StartObject();
    content();
    writer.EndObject();
}

void put_linux(Writer& writer) {
    put(writer, "namespaces", supported::namespaces);
    put(writer, "capabilities", supported::capabilities);
    put_object(writer, "cgroup", [&] {
        put_flag(writer, "v1", true);
        put_flag(writer, "v2", true);
        put_flag(writer, "systemd", true);
        put_flag(writer, "systemdUser", false);
        put_flag(writer, "rdma", false);
    });
    put_object(writer, "seccomp", [&] {
        put_flag(writer, "enabled", true);
        put(writer, "actions", supported::seccomp_actions);
        put(writer, "operators", supported::seccomp_operators);
        put(writer, "archs", supported::seccomp_architectures);
        put(writer, "knownFlags", supported::seccomp_flags);
        put(writer, "supportedFlags", supported::seccomp_flags);
    });
    for (const auto* absent : {"apparmor", "selinux", "intelRdt"})
        put_object(writer, absent, [&] { put_flag(writer, "enabled", false); });
    put_object(writer, "netDevices", [&] { put_flag(writer, "enabled", true); });
    put_object(writer, "mountExtensions",
               [&] { put_object(writer, "idmap", [&] { put_flag(writer, "enabled", true); }); });
}

cli::CommandResult run_features(const cli::Invocation&) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    put(writer, "ociVersionMin", "1.0.0");
    put(writer, "ociVersionMax", cli::spec_version);
    put(writer, "hooks", supported::hooks);
    put(writer, "mountOptions", supported::mount_options);
    put_object(writer, "linux", [&] { put_linux(writer); });
    put_object(writer, "annotations", [&] {
        put(writer, "org.nacre.version", NACRE_VERSION);
        put(writer, "org.nacre.commit", cli::commit);
    });
    put(writer, "potentiallyUnsafeConfigAnnotations", Names{});
    writer.EndObject();
    NACRE_TRY(write_all(STDOUT_FILENO, std::string(buffer.GetString(), buffer.GetSize()) + "\n"));
    return 0;
}

}  // namespace

const cli::Command features_command{"features",  "show what this runtime supports, as JSON", "", {}, 0, 0,
                                    run_features};

}  // namespace nacre::commands
