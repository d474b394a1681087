#include <unistd.h>

#include <algorithm>

#include "runtime/commands/commands.h"
#include "runtime/commands/resource_options.h"
#include "runtime/container/lifecycle.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

constexpr std::size_t max_resources_bytes = 4 * 1024 * 1024;

constexpr std::array<cli::Option, 5> other_options{{
    {"resources", 'r', "FILE|-",
     "linux.resources as JSON, from a file or standard input; other options are ignored"},
    {"kernel-memory", 0, "BYTES", "ignored, as with runc"},
    {"kernel-memory-tcp", 0, "BYTES", "ignored, as with runc"},
    {"l3-cache-schema", 0, "TEXT", "Intel RDT (refused: there is none)"},
    {"mem-bw-schema", 0, "TEXT", "Intel RDT (refused: there is none)"},
}};

constexpr auto options = [] {
    std::array<cli::Option, other_options.size() + resource_options.size()> all{};
    std::copy(resource_options.begin(), resource_options.end(),
              std::copy(other_options.begin(), other_options.end(), all.begin()));
    return all;
}();

Result<void> refuse_intel_rdt(const cli::ParsedOptions& given) {
    if (!given.value("l3-cache-schema").empty())
        return fail("Intel RDT/CAT: l3 cache schema is not enabled");
    if (!given.value("mem-bw-schema").empty())
        return fail("Intel RDT/MBA: memory bandwidth schema is not enabled");
    return {};
}

Result<std::string> read_change(const cli::ParsedOptions& given) {
    const auto file = given.value("resources");
    if (file == "-")
        return read_to_end(STDIN_FILENO, max_resources_bytes);
    if (!file.empty())
        return read_file(file, max_resources_bytes);
    return resources_of(given);
}

cli::CommandResult run_update(const cli::Invocation& invocation) {
    const auto& given = invocation.options;
    NACRE_TRY(refuse_intel_rdt(given));
    if (given.has("kernel-memory") || given.has("kernel-memory-tcp"))
        invocation.log.warning("Kernel memory settings are ignored and will be removed");
    NACRE_ASSIGN(const auto change, read_change(given));
    NACRE_TRY(runtime::update(runtime::Store(invocation.global.root), invocation.arguments()[0], change,
                              [&log = invocation.log](const std::string& text) { log.warning(text); }));
    return 0;
}

}  // namespace

const cli::Command update_command{
    "update", "change the limits of a container", "<container-id>", options, 1, 1, run_update};

}  // namespace nacre::commands
