#include <fcntl.h>
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <unistd.h>

#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/default_config.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 2> options{{
    {"bundle", 'b', "DIR", "where to write config.json (default: the current directory)"},
    {"rootless", 0, "", "a configuration with a user namespace that maps the caller's ids"},
}};

rapidjson::Value one_mapping(unsigned host_id, rapidjson::Document::AllocatorType& allocator) {
    rapidjson::Value mapping(rapidjson::kObjectType);
    mapping.AddMember("containerID", 0, allocator);
    mapping.AddMember("hostID", host_id, allocator);
    mapping.AddMember("size", 1, allocator);
    rapidjson::Value list(rapidjson::kArrayType);
    list.PushBack(mapping, allocator);
    return list;
}

/// A user namespace with only the caller's own ids in it, and no limits, which need a cgroup of one's own.
std::string rootless_config() {
    rapidjson::Document config;
    config.Parse(default_config.data(), default_config.size());
    auto& allocator = config.GetAllocator();
    auto& linux_section = config["linux"];
    linux_section.RemoveMember("resources");
    linux_section.AddMember("uidMappings", one_mapping(::geteuid(), allocator), allocator);
    linux_section.AddMember("gidMappings", one_mapping(::getegid(), allocator), allocator);
    rapidjson::Value user(rapidjson::kObjectType);
    user.AddMember("type", "user", allocator);
    linux_section["namespaces"].PushBack(user, allocator);
    // Group 5, which terminals are given by default, is not mapped.
    auto& terminal_options = config["mounts"][2]["options"];
    terminal_options.PopBack();
    rapidjson::StringBuffer buffer;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
    writer.SetIndent('\t', 1);
    config.Accept(writer);
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

cli::CommandResult run_spec(const cli::Invocation& invocation) {
    const auto bundle = invocation.options.value("bundle");
    const auto path = bundle.empty() ? "config.json" : bundle + "/config.json";
    const auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (!file && file.error().code == EEXIST)
        return fail("File {} exists. Remove it first", path);
    if (!file)
        return tl::unexpected(file.error());
    NACRE_TRY(write_all(
        file->get(), invocation.options.flag("rootless") ? rootless_config() : std::string(default_config)));
    return 0;
}

}  // namespace

const cli::Command spec_command{"spec", "write a new config.json", "", options, 0, 0, run_spec};

}  // namespace nacre::commands
