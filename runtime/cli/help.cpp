#include "runtime/cli/help.h"

#include <algorithm>

namespace nacre::cli {

namespace {

std::string left_column(const Option& option) {
    auto text = fmt::format("--{}", option.name);
    if (option.short_name != 0)
        text += fmt::format(", -{}", option.short_name);
    if (!option.value.empty())
        text += fmt::format(" {}", option.value);
    return text;
}

std::string option_list(std::span<const Option> options) {
    std::size_t width = 0;
    for (const auto& option : options)
        width = std::max(width, left_column(option).size());
    std::string text;
    for (const auto& option : options)
        text += fmt::format("   {:{}}  {}\n", left_column(option), width, option.help);
    return text;
}

}  // namespace

std::string application_help(std::span<const Command* const> commands,
                             std::span<const Option> global_options) {
    std::string text =
        "NAME:\n   nacre - an OCI runtime that runs each container in its own microVM\n\n"
        "USAGE:\n   nacre [global options] command [command options] [arguments...]\n\n"
        "VERSION:\n   " NACRE_VERSION "\n\nCOMMANDS:\n";
    for (const auto* command : commands)
        text += fmt::format("   {:10}  {}\n", command->name, command->summary);
    return text + "\nGLOBAL OPTIONS:\n" + option_list(global_options);
}

std::string command_help(const Command& command) {
    auto text =
        fmt::format("NAME:\n   nacre {} - {}\n\nUSAGE:\n   nacre {} {}{}\n", command.name, command.summary,
                    command.name, command.options.empty() ? "" : "[command options] ", command.synopsis);
    if (!command.options.empty())
        text += "\nOPTIONS:\n" + option_list(command.options);
    return text;
}

}  // namespace nacre::cli
