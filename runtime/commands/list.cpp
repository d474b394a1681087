#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "runtime/commands/commands.h"
#include "runtime/commands/table.h"
#include "runtime/commands/user_name.h"
#include "runtime/state/store.h"
#include "vmm/base/file.h"

namespace nacre::commands {

namespace {

using runtime::ContainerState;
using runtime::Status;

constexpr std::array<cli::Option, 2> options{{
    {"format", 'f', "table|json", "the form of the output (default: table)"},
    {"quiet", 'q', "", "only the containers' ids"},
}};

struct Entry {
    ContainerState state;
    Status status;
    std::string owner;
};

std::string owner_of(const runtime::ContainerDirectory& directory) {
    struct stat status {};
    if (::fstat(directory.fd(), &status) < 0)
        return "";
    return user_name(status.st_uid).value_or(fmt::format("#{}", status.st_uid));
}

/// A container that cannot be read, or that goes away meanwhile, does not hide the others.
std::vector<Entry> read_all(const runtime::Store& store, const std::vector<std::string>& ids,
                            const cli::Logger& log) {
    std::vector<Entry> entries;
    for (const auto& id : ids) {
        const auto directory = store.open(id);
        const auto state = directory ? directory->read() : tl::unexpected(directory.error());
        if (state)
            entries.push_back({*state, runtime::current_status(*state), owner_of(*directory)});
        else if (state.error().code != ENOENT)
            log.warning("load container " + id + ": " + state.error().message);
    }
    return entries;
}

std::string as_table(const std::vector<Entry>& entries) {
    std::vector<std::vector<std::string>> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    for (const auto& entry : entries)
        rows.push_back({entry.state.id, std::to_string(runtime::visible_pid(entry.state, entry.status)),
                        std::string(name_of(entry.status)), entry.state.bundle, entry.state.created,
                        entry.owner});
    return format_table(rows);
}

std::string as_json(const std::vector<Entry>& entries) {
    if (entries.empty())
        return "null\n";
    std::string text;
    for (const auto& entry : entries)
        text += (text.empty() ? "[" : ",") +
                runtime::oci_state_json(entry.state, entry.status, false, entry.owner);
    return text + "]\n";
}

std::string as_ids(const std::vector<std::string>& ids) {
    std::string text;
    for (const auto& id : ids)
        text += id + "\n";
    return text;
}

cli::CommandResult run_list(const cli::Invocation& invocation) {
    const auto format = invocation.options.value("format", "table");
    if (format != "table" && format != "json")
        return fail("invalid format option");
    const runtime::Store store(invocation.global.root);
    NACRE_ASSIGN(const auto ids, store.list());
    std::string text;
    if (invocation.options.flag("quiet"))
        text = as_ids(ids);
    else if (format == "json")
        text = as_json(read_all(store, ids, invocation.log));
    else
        text = as_table(read_all(store, ids, invocation.log));
    NACRE_TRY(write_all(STDOUT_FILENO, text));
    return 0;
}

}  // namespace

const cli::Command list_command{"list", "list the containers below the root", "", options, 0, 0, run_list};

}  // namespace nacre::commands
