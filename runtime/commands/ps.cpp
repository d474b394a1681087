#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "runtime/commands/commands.h"
#include "runtime/commands/process_columns.h"
#include "runtime/container/processes.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 1> options{
    {{"format", 'f', "table|json", "the form of the output (default: table)"}}};

/// Pids of the host, which is where callers look them up (`docker top`).
Result<std::string> as_json(const runtime::Store& store, const std::string& id) {
    NACRE_ASSIGN(const auto pids, runtime::host_processes_of(store, id));
    return pids.empty() ? "null\n" : fmt::format("[{}]\n", fmt::join(pids, ","));
}

/// What runs in the guest, with the guest's pids.
Result<std::string> as_table(const runtime::Store& store, const cli::Invocation& invocation) {
    const auto& arguments = invocation.arguments();
    NACRE_ASSIGN(const auto columns, process_columns(std::span(arguments).subspan(1)));
    NACRE_ASSIGN(const auto found, runtime::processes_of(store, arguments[0]));
    if (found.left_out > 0)
        invocation.log.warning(fmt::format("{} more processes are not shown", found.left_out));
    return process_table(found.processes, columns, std::time(nullptr));
}

cli::CommandResult run_ps(const cli::Invocation& invocation) {
    const auto format = invocation.options.value("format", "table");
    if (format != "table" && format != "json")
        return fail("invalid format option");
    const runtime::Store store(invocation.global.root);
    NACRE_ASSIGN(const auto text,
                 format == "json" ? as_json(store, invocation.arguments()[0]) : as_table(store, invocation));
    NACRE_TRY(write_all(STDOUT_FILENO, text));
    return 0;
}

}  // namespace

const cli::Command ps_command{
    "ps",
    "show the processes of a container (table: those in its virtual machine; json: pids of the host)",
    "<container-id> [ps options]",
    options,
    1,
    std::numeric_limits<std::size_t>::max(),
    run_ps,
    1,
    false};

}  // namespace nacre::commands
