#include "runtime/container/events.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/duration.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

constexpr std::array<cli::Option, 2> options{{
    {"interval", 0, "DURATION", "time between two statistics (default: 5s)"},
    {"stats", 0, "", "show the statistics once"},
}};

Result<void> print(const std::string& line) {
    return write_all(STDOUT_FILENO, line + "\n");
}

Result<int> read_interval(const cli::ParsedOptions& given) {
    const auto text = given.value("interval", "5s");
    const auto interval = duration_ms(text);
    if (!interval)
        return fail("invalid value \"{}\" for flag -interval: {}", text, interval.error().message);
    if (*interval <= 0)
        return fail("duration interval must be greater than 0");
    return *interval;
}

cli::CommandResult run_events(const cli::Invocation& invocation) {
    const auto& id = invocation.arguments()[0];
    const runtime::Store store(invocation.global.root);
    NACRE_ASSIGN(const auto interval, read_interval(invocation.options));
    if (!invocation.options.flag("stats")) {
        NACRE_TRY(runtime::follow_events(store, id, interval, print));
        return 0;
    }
    NACRE_ASSIGN(const auto line, runtime::statistics(store, id));
    NACRE_TRY(print(line));
    return 0;
}

}  // namespace

const cli::Command events_command{
    "events",
    "show what a container uses, and when it runs out of memory, as lines of JSON",
    "<container-id>",
    options,
    1,
    1,
    run_events};

}  // namespace nacre::commands
