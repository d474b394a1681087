#include "runtime/cli/application.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "runtime/cli/help.h"
#include "runtime/cli/version.h"
#include "vmm/base/file.h"

namespace nacre::cli {

namespace {

constexpr std::array<Option, 11> global_options{{
    {"root", 0, "DIR", "where the state of containers is kept (default: /run/nacre)"},
    {"log", 0, "FILE", "append log records to FILE (default: standard error)"},
    {"log-format", 0, "text|json", "the form of log records (default: text)"},
    {"log-level", 0, "LEVEL", "the least level that is logged: debug, info, warning, error (default: info)"},
    {"debug", 0, "", "log everything"},
    {"systemd-cgroup", 0, "", "have systemd make cgroups; linux.cgroupsPath is \"slice:prefix:name\""},
    {"cgroup-manager", 0, "NAME", "cgroupfs, systemd or disabled (default: cgroupfs)"},
    {"rootless", 0, "true|false|auto", "accepted for compatibility"},
    {"criu", 0, "PATH", "accepted for compatibility: there is no checkpointing"},
    {"version", 'v', "", "print the version"},
    {"help", 'h', "", "print this help"},
}};

constexpr Option help_option{"help", 'h', "", "print this help"};

/// As runc's, which is that of its command line library.
constexpr int unknown_command_status = 3;

Result<LogFormat> log_format(const ParsedOptions& options) {
    const auto name = options.value("log-format", "text");
    if (name == "text")
        return LogFormat::text;
    if (name == "json")
        return LogFormat::json;
    return fail("invalid log-format: {}", name);
}

Result<LogLevel> log_level(const ParsedOptions& options) {
    const auto name = options.flag("debug") ? "debug" : options.value("log-level", "info");
    if (name == "debug" || name == "trace")
        return LogLevel::debug;
    if (name == "info")
        return LogLevel::info;
    if (name == "warning" || name == "warn")
        return LogLevel::warning;
    if (name == "error" || name == "fatal" || name == "panic")
        return LogLevel::error;
    return fail("invalid log-level: {}", name);
}

Result<std::string> cgroup_manager(const ParsedOptions& options) {
    auto name = options.value("cgroup-manager", options.flag("systemd-cgroup") ? "systemd" : "cgroupfs");
    if (name != "cgroupfs" && name != "systemd" && name != "disabled")
        return fail("invalid cgroup-manager: {}: must be cgroupfs, systemd or disabled", name);
    return name;
}

Result<GlobalOptions> read_global_options(const ParsedOptions& options) {
    GlobalOptions global;
    global.root = options.value("root", default_root());
    global.log_path = options.value("log");
    NACRE_ASSIGN(global.cgroup_manager, cgroup_manager(options));
    const auto rootless = options.value("rootless", "auto");
    if (rootless != "true" && rootless != "false" && rootless != "auto")
        return fail("invalid value \"{}\" for flag -rootless: must be true, false or auto", rootless);
    if (global.root.empty())
        return fail("--root must not be empty");
    return global;
}

Result<Logger> open_log(const ParsedOptions& options) {
    NACRE_ASSIGN(const auto format, log_format(options));
    NACRE_ASSIGN(const auto level, log_level(options));
    return Logger::open(options.value("log"), format, level);
}

Result<const Command*> find_command(std::string_view name, std::span<const Command* const> commands) {
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command* command) { return command->name == name; });
    if (found == commands.end())
        return fail("No help topic for '{}': unknown command, nacre --help lists them", name);
    return *found;
}

Result<void> check_count(const Command& command, std::size_t count) {
    if (count >= command.minimum_arguments && count <= command.maximum_arguments)
        return {};
    if (command.minimum_arguments == command.maximum_arguments)
        return fail("nacre: \"{}\" requires exactly {} argument(s)", command.name, command.minimum_arguments);
    if (count < command.minimum_arguments)
        return fail("nacre: \"{}\" requires a minimum of {} argument(s)", command.name,
                    command.minimum_arguments);
    return fail("nacre: \"{}\" takes at most {} argument(s)", command.name, command.maximum_arguments);
}

Result<int> print(const std::string& text) {
    NACRE_TRY(write_all(STDOUT_FILENO, text));
    return 0;
}

/// What the command line asks for, once it is known to be well formed.
Result<ParsedOptions> parse_command(const Command& command, std::span<const std::string> words) {
    std::vector<Option> table(command.options.begin(), command.options.end());
    table.push_back(help_option);
    NACRE_ASSIGN(auto options, command.options_anywhere ? parse_options(options_first(words, table), table)
                                                        : parse_options(words, table));
    if (!options.flag("help"))
        NACRE_TRY(check_count(command, options.arguments().size()));
    return options;
}

bool asks_for_help(const ParsedOptions& options) {
    const auto& arguments = options.arguments();
    return options.flag("help") || arguments.empty() || arguments[0] == "help" || arguments[0] == "h";
}

/// Of all commands, or of the one that `help` names.
Result<std::string> help_text(const ParsedOptions& options, std::span<const Command* const> commands) {
    const auto& arguments = options.arguments();
    if (options.flag("help") || arguments.size() < 2)
        return application_help(commands, global_options);
    NACRE_ASSIGN(const auto* command, find_command(arguments[1], commands));
    return command_help(*command);
}

/// Errors before the log of --log is open go to standard error in the default form.
int report(const Logger& log, const Error& error, int status) {
    log.error(error.message);
    return status;
}

/// A command line that is wrong has status 1 with every command, as with runc.
int run_command(const Command& command, std::span<const std::string> words, const GlobalOptions& global,
                const Logger& log) {
    const auto options = parse_command(command, words);
    if (!options)
        return report(log, options.error(), 1);
    if (options->flag("help"))
        return print(command_help(command)).value_or(1);
    // Not the whole command line: `exec` may carry secrets.
    const auto& arguments = options->arguments();
    log.debug(fmt::format("{} {}: begins", command.name, arguments.empty() ? "" : arguments.front()));
    const auto status = command.run(Invocation{global, log, *options});
    const int exit_status = status ? *status : report(log, status.error(), command.failure_status);
    log.debug(fmt::format("{}: ends with status {}", command.name, exit_status));
    return exit_status;
}

}  // namespace

std::string default_root() {
    const char* runtime_directory = ::getenv("XDG_RUNTIME_DIR");
    if (::geteuid() != 0 && runtime_directory != nullptr && *runtime_directory != 0)
        return std::string(runtime_directory) + "/nacre";
    return "/run/nacre";
}

int run_application(std::span<const std::string> words, std::span<const Command* const> commands) {
    const auto options = parse_options(words, global_options);
    if (!options)
        return report({}, options.error(), 1);
    const auto log = open_log(*options);
    if (!log)
        return report({}, log.error(), 1);
    const auto& arguments = options->arguments();
    if (options->flag("version"))
        return print(version_text()).value_or(1);
    if (asks_for_help(*options)) {
        const auto text = help_text(*options, commands);
        return text ? print(*text).value_or(1) : report(*log, text.error(), unknown_command_status);
    }
    const auto global = read_global_options(*options);
    if (!global)
        return report(*log, global.error(), 1);
    const auto command = find_command(arguments[0], commands);
    if (!command)
        return report(*log, command.error(), unknown_command_status);
    return run_command(**command, std::span(arguments).subspan(1), *global, *log);
}

}  // namespace nacre::cli
