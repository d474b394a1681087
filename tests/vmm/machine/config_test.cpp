#include "vmm/machine/config.h"

#include <doctest/doctest.h>

#include <string>

namespace nacre::machine {
namespace {

/// A complete configuration with `more` appended to its members.
std::string config_with(const std::string& more) {
    return R"({"vcpus":1,"memory_bytes":134217728,"kvm_fd":3,"kernel_fd":4,"initramfs_fd":5)" +
           (more.empty() ? "" : "," + more) + "}";
}

std::string error_of(const std::string& json) {
    const auto config = parse_config(json);
    REQUIRE_FALSE(config);
    CHECK(config.error().message.starts_with("configuration: "));
    return config.error().message;
}

bool mentions(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("text that is not one JSON object is refused") {
    for (const char* text : {"", " ", "{", "[]", "1", "null", "{}{}", "{\"vcpus\":1,}", "\xff"})
        error_of(text);
}

TEST_CASE("deep nesting is refused and costs no stack") {
    error_of(std::string(60000, '['));
    std::string nested = config_with("\"vcpus\":" + std::string(30000, '[') + std::string(30000, ']'));
    CHECK(mentions(error_of(nested), "vcpus"));
}

TEST_CASE("each required member is missed by name") {
    for (const char* name : {"vcpus", "memory_bytes", "kvm_fd", "kernel_fd", "initramfs_fd"}) {
        auto json = config_with("");
        json.replace(json.find(name), 2, "x_");
        CHECK(mentions(error_of(json), name));
    }
}

TEST_CASE("unknown members are refused by name") {
    CHECK(mentions(error_of(config_with(R"("vcpu_count":2)")), "vcpu_count"));
}

TEST_CASE("values out of range or of the wrong type are refused, and the message says where") {
    struct Case {
        const char* json;
        const char* member;
    };
    for (const auto& [json, member] : {
             Case{R"("vcpus":0)", "vcpus"},
             Case{R"("vcpus":33)", "vcpus"},
             Case{R"("vcpus":-1)", "vcpus"},
             Case{R"("vcpus":1.5)", "vcpus"},
             Case{R"("vcpus":"1")", "vcpus"},
             Case{R"("vcpus":18446744073709551617)", "vcpus"},
             Case{R"("memory_bytes":33554431)", "memory_bytes"},
             Case{R"("memory_bytes":33554433)", "memory_bytes"},
             Case{R"("memory_bytes":18446744073709551615)", "memory_bytes"},
             Case{R"("max_vcpus":33)", "max_vcpus"},
             Case{R"("max_vcpus":-1)", "max_vcpus"},
             Case{R"("max_memory_bytes":-1)", "max_memory_bytes"},
             Case{R"("max_memory_bytes":18446744073709551615)", "max_memory_bytes"},
             Case{R"("share_fd":-1)", "share_fd"},
             Case{R"("share_fd":2147483648)", "share_fd"},
             Case{R"("console_fd":null)", "console_fd"},
             Case{R"("jail_root_fd":true)", "jail_root_fd"},
             Case{R"("disk_rings":-1)", "disk_rings"},
             Case{R"("disk_rings":1000000)", "disk_rings"},
             Case{R"("vsock_host_ports":{})", "vsock_host_ports"},
             Case{R"("vsock_host_ports":[1])", "vsock_host_ports"},
             Case{R"("vsock_host_ports":[{"port":1}])", "vsock_host_ports"},
             Case{R"("vsock_host_ports":[{"port":4294967296,"fd":9}])", "vsock_host_ports"},
             Case{R"("vsock_host_ports":[{"port":1,"fd":9,"x":1}])", "vsock_host_ports"},
         })
        CHECK(mentions(error_of(config_with(json)), member));
}

TEST_CASE("a descriptor named twice is refused") {
    CHECK(mentions(error_of(config_with(R"("share_fd":4)")), "twice"));
    CHECK(mentions(error_of(config_with(R"("log_fd":3)")), "twice"));
    CHECK(mentions(error_of(config_with(R"("share_fd":6,"jail_root_fd":6)")), "twice"));
    CHECK(mentions(error_of(config_with(R"("vsock_host_ports":[{"port":1,"fd":9},{"port":2,"fd":9}])")),
                   "twice"));
}

TEST_CASE("the least configuration leaves the rest out") {
    const auto config = parse_config(config_with(""));
    REQUIRE(config);
    CHECK(config->vcpus == 1);
    CHECK(config->memory_bytes == 134217728);
    CHECK(config->max_memory_bytes == 0);
    CHECK(config->max_vcpus == 0);
    CHECK(config->kvm_fd == 3);
    CHECK(config->kernel_fd == 4);
    CHECK(config->initramfs_fd == 5);
    CHECK(config->share_fd == -1);
    CHECK(config->console_fd == -1);
    CHECK(config->vsock_listen_fd == -1);
    CHECK(config->vsock_host_ports.empty());
    CHECK(config->log_fd == 2);
    CHECK(config->jail_root_fd == -1);
    CHECK(config->disk_rings == 0);
}

TEST_CASE("a full configuration is taken over as it stands") {
    const auto config = parse_config(config_with(
        R"("share_fd":6,"vsock_listen_fd":7,"vsock_host_ports":[{"port":1024,"fd":8}],"console_fd":9,"log_fd":10,)"
        R"("stats_fd":11,"jail_root_fd":12,"disk_rings":6)"));
    REQUIRE(config);
    CHECK(config->share_fd == 6);
    CHECK(config->vsock_listen_fd == 7);
    REQUIRE(config->vsock_host_ports.size() == 1);
    CHECK(config->vsock_host_ports[0].port == 1024);
    CHECK(config->vsock_host_ports[0].fd == 8);
    CHECK(config->console_fd == 9);
    CHECK(config->log_fd == 10);
    CHECK(config->stats_fd == 11);
    CHECK(config->jail_root_fd == 12);
    CHECK(config->disk_rings == 6);
}

}  // namespace
}  // namespace nacre::machine
