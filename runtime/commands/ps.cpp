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

std::string as_json(const std::vector<protocol::GuestProcess>& processes) {
    if (processes.empty())
        return "null\n";
    std::string text;
    for (const auto& process : processes)
        text += fmt::format("{}{}", text.empty() ? "[" : ",", process.pid);
    return text + "]\n";
}

cli::CommandResult run_ps(const cli::Invocation& invocation) {
    const auto format = invocation.options.value("format", "table");
    if (format != "table" && format != "json")
        return fail("invalid format option");
    const auto& arguments = invocation.arguments();
    NACRE_ASSIGN(const auto columns, process_columns(std::span(arguments).subspan(1)));
    NACRE_ASSIGN(const auto found,
                 runtime::processes_of(runtime::Store(invocation.global.root), arguments[0]));
    if (found.left_out > 0)
        invocation.log.warning(fmt::format("{} more processes are not shown", found.left_out));
    const auto now = std::time(nullptr);
    NACRE_TRY(write_all(STDOUT_FILENO, format == "json" ? as_json(found.processes)
                                                        : process_table(found.processes, columns, now)));
    return 0;
}

}  // namespace

const cli::Command ps_command{"ps",
                              "show the processes of a container, with their pids in its virtual machine",
                              "<container-id> [ps options]",
                              options,
                              1,
                              std::numeric_limits<std::size_t>::max(),
                              run_ps};

}  // namespace nacre::commands
