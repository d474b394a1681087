#include "vmm/machine/config.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "vmm/arch/memory_layout.h"

namespace nacre::machine {
namespace {

using Value = rapidjson::Value;

constexpr std::uint64_t max_disk_rings = 4 * arch::kMaxVirtioDevices;

std::string_view text(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

/// One member of the configuration: its name and the function that takes its value.
struct Member {
    std::string_view name;
    Result<void> (*read)(const Value&, Config&);
};

Result<std::uint64_t> read_integer(const Value& value, std::uint64_t minimum, std::uint64_t maximum) {
    if (!value.IsUint64() || value.GetUint64() < minimum || value.GetUint64() > maximum)
        return fail("must be an integer from {} to {}", minimum, maximum);
    return value.GetUint64();
}

Result<int> read_descriptor(const Value& value) {
    NACRE_ASSIGN(const auto number, read_integer(value, 0, std::numeric_limits<int>::max()));
    return static_cast<int>(number);
}

template <int Config::*descriptor>
Result<void> read_fd(const Value& value, Config& config) {
    NACRE_ASSIGN(config.*descriptor, read_descriptor(value));
    return {};
}

Result<void> read_vcpus(const Value& value, Config& config) {
    NACRE_ASSIGN(const auto count, read_integer(value, 1, arch::kMaxVcpus));
    config.vcpus = static_cast<std::uint32_t>(count);
    return {};
}

Result<void> read_max_vcpus(const Value& value, Config& config) {
    NACRE_ASSIGN(const auto count, read_integer(value, 0, arch::kMaxVcpus));
    config.max_vcpus = static_cast<std::uint32_t>(count);
    return {};
}

Result<void> read_memory(const Value& value, Config& config) {
    NACRE_ASSIGN(config.memory_bytes, read_integer(value, arch::kMinMemoryBytes, arch::kMaxMemoryBytes));
    if (config.memory_bytes % arch::kMebibyte != 0)
        return fail("must be a multiple of 1 MiB");
    return {};
}

Result<void> read_max_memory(const Value& value, Config& config) {
    NACRE_ASSIGN(config.max_memory_bytes, read_integer(value, 0, arch::kMaxMemoryBytes));
    return {};
}

Result<void> read_hotplug_slots(const Value& value, Config& config) {
    NACRE_ASSIGN(const auto count, read_integer(value, 0, arch::kMaxVirtioDevices));
    config.hotplug_slots = static_cast<std::uint32_t>(count);
    return {};
}

Result<void> read_disk_rings(const Value& value, Config& config) {
    NACRE_ASSIGN(const auto count, read_integer(value, 0, max_disk_rings));
    config.disk_rings = static_cast<std::uint32_t>(count);
    return {};
}

Result<VsockHostPort> read_host_port(const Value& value) {
    if (!value.IsObject() || value.MemberCount() != 2 || !value.HasMember("port") || !value.HasMember("fd"))
        return fail("must be objects of \"port\" and \"fd\"");
    NACRE_ASSIGN(const auto port, read_integer(value["port"], 0, std::numeric_limits<std::uint32_t>::max()));
    NACRE_ASSIGN(const int fd, read_descriptor(value["fd"]));
    return VsockHostPort{static_cast<std::uint32_t>(port), fd};
}

Result<void> read_host_ports(const Value& value, Config& config) {
    if (!value.IsArray())
        return fail("must be an array");
    for (const auto& element : value.GetArray()) {
        NACRE_ASSIGN(const auto host_port, read_host_port(element));
        config.vsock_host_ports.push_back(host_port);
    }
    return {};
}

constexpr Member kMembers[] = {
    {"vcpus", read_vcpus},
    {"max_vcpus", read_max_vcpus},
    {"memory_bytes", read_memory},
    {"max_memory_bytes", read_max_memory},
    {"kvm_fd", read_fd<&Config::kvm_fd>},
    {"kernel_fd", read_fd<&Config::kernel_fd>},
    {"initramfs_fd", read_fd<&Config::initramfs_fd>},
    {"share_fd", read_fd<&Config::share_fd>},
    {"jail_root_fd", read_fd<&Config::jail_root_fd>},
    {"vsock_listen_fd", read_fd<&Config::vsock_listen_fd>},
    {"vsock_host_ports", read_host_ports},
    {"control_listen_fd", read_fd<&Config::control_listen_fd>},
    {"lifeline_fd", read_fd<&Config::lifeline_fd>},
    {"hotplug_slots", read_hotplug_slots},
    {"console_fd", read_fd<&Config::console_fd>},
    {"log_fd", read_fd<&Config::log_fd>},
    {"stats_fd", read_fd<&Config::stats_fd>},
    {"disk_rings", read_disk_rings},
};

Result<void> read_member(std::string_view name, const Value& value, Config& config) {
    const auto member = std::ranges::find(kMembers, name, &Member::name);
    if (member == std::end(kMembers))
        return fail("unknown member \"{}\"", name);
    if (auto result = member->read(value, config); !result)
        return add_context(result.error(), std::string(name));
    return {};
}

Result<void> check_required(const rapidjson::Document& document) {
    for (const char* name : {"vcpus", "memory_bytes", "kvm_fd", "kernel_fd", "initramfs_fd"})
        if (!document.HasMember(name))
            return fail("\"{}\" is missing", name);
    return {};
}

/// Two owners of one descriptor would close it twice. The log may share its descriptor with stderr only.
Result<void> check_descriptors(const Config& config) {
    std::vector<int> fds = {config.kvm_fd,      config.kernel_fd,        config.initramfs_fd,
                            config.share_fd,    config.jail_root_fd,     config.vsock_listen_fd,
                            config.console_fd,  config.log_fd,           config.stats_fd,
                            config.lifeline_fd, config.control_listen_fd};
    for (const auto& host_port : config.vsock_host_ports)
        fds.push_back(host_port.fd);
    std::erase(fds, -1);
    std::ranges::sort(fds);
    if (const auto twice = std::ranges::adjacent_find(fds); twice != fds.end())
        return fail("descriptor {} is named twice", *twice);
    return {};
}

Result<Config> parse(std::string_view json) {
    rapidjson::Document document;
    // Iterative: nesting costs heap, which the caller's limit on the text bounds, and not stack.
    document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
    if (document.HasParseError())
        return fail("at byte {}: {}", document.GetErrorOffset(),
                    rapidjson::GetParseError_En(document.GetParseError()));
    if (!document.IsObject())
        return fail("not a JSON object");
    NACRE_TRY(check_required(document));
    Config config;
    for (const auto& member : std::as_const(document).GetObject())
        NACRE_TRY(read_member(text(member.name), member.value, config));
    NACRE_TRY(check_descriptors(config));
    return config;
}

}  // namespace

Result<Config> parse_config(std::string_view json) {
    auto config = parse(json);
    if (!config)
        return add_context(config.error(), "configuration");
    return config;
}

}  // namespace nacre::machine
