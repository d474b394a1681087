// Texts that a workload or its image decides: a process's line in /proc and the image's passwd(5), as the agent reads them; a
// container's cgroup files and processes, as the runtime shows them; the line with which a program asks for a port.

#include <rapidjson/document.h>

#include "guest-agent/container/credentials.h"
#include "guest-agent/container/process_table.h"
#include "runtime/cgroup/hierarchy.h"
#include "runtime/container/exec_process.h"
#include "runtime/container/statistics.h"
#include "runtime/oci/cpu_list.h"
#include "tests/fuzz/input.h"
#include "vmm/devices/vsock/host_listener.h"

using namespace nacre;

namespace {

constexpr std::string_view cgroup_files[] = {"memory.stat", "memory.current", "memory.max", "memory.events",  "cpu.stat",
                                             "pids.current", "pids.max",      "io.stat",    "memory.pressure", "cgroup.procs"};

void check_process(fuzz::Input input) {
    const auto cmdline = input.take_text(input.take<std::uint8_t>());
    static_cast<void>(agent::parse_process_stat(input.rest(), cmdline, {100, 1000}));
}

void check_statistics(fuzz::Input input) {
    std::vector<protocol::CgroupFile> files;
    while (!input.empty()) {
        const auto name = cgroup_files[input.below(std::size(cgroup_files))];
        files.push_back({std::string(name), input.take_text(input.take<std::uint8_t>())});
    }
    const auto event = runtime::stats_event("id", files);
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(event.data(), event.size());
    fuzz::require(!document.HasParseError() && event.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::Input input(data, size);
    check_process(input);
    check_statistics(input);
    const auto text = fuzz::Input(input).rest();
    static_cast<void>(agent::home_directory(text, 1000));
    static_cast<void>(runtime::parse_hierarchies(text, text));
    static_cast<void>(vsock::parse_connect_line(text));
    static_cast<void>(oci::parse_cpu_list(text));
    runtime::ProcessChanges changes;
    static_cast<void>(runtime::parse_user(text, changes));
    return 0;
}
