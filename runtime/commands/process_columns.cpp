#include "runtime/commands/process_columns.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/commands/user_name.h"

namespace nacre::commands {

namespace {

using protocol::GuestProcess;

constexpr std::uint32_t day_seconds = 24 * 60 * 60;

std::string start_time(const GuestProcess& process, std::time_t now) {
    const std::time_t started = now - static_cast<std::time_t>(process.age_seconds);
    std::tm then{};
    std::tm today{};
    ::localtime_r(&started, &then);
    ::localtime_r(&now, &today);
    std::array<char, 16> text{};
    const char* format = then.tm_year != today.tm_year ? "%Y" : "%b%d";
    if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
        format = "%H:%M";
    return {text.data(), std::strftime(text.data(), text.size(), format, &then)};
}

std::string clock_time(std::uint32_t seconds) {
    const auto days = seconds / day_seconds;
    const auto text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return days == 0 ? text : fmt::format("{}-{}", days, text);
}

std::uint32_t cpu_percent(const GuestProcess& process) {
    const auto age = std::max<std::uint64_t>(process.age_seconds, 1);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(process.cpu_seconds * std::uint64_t{100} / age, 99));
}

std::string user_of(const GuestProcess& process, std::time_t) {
    return user_name(process.uid).value_or(std::to_string(process.uid));
}
std::string uid_of(const GuestProcess& process, std::time_t) {
    return std::to_string(process.uid);
}
std::string pid_of(const GuestProcess& process, std::time_t) {
    return std::to_string(process.pid);
}
std::string parent_of(const GuestProcess& process, std::time_t) {
    return std::to_string(process.parent);
}
std::string load_of(const GuestProcess& process, std::time_t) {
    return std::to_string(cpu_percent(process));
}
std::string terminal_of(const GuestProcess& process, std::time_t) {
    return process.terminal;
}
std::string cpu_time_of(const GuestProcess& process, std::time_t) {
    return clock_time(process.cpu_seconds);
}
std::string elapsed_of(const GuestProcess& process, std::time_t) {
    return clock_time(process.age_seconds);
}
std::string state_of(const GuestProcess& process, std::time_t) {
    return process.state;
}
std::string name_of(const GuestProcess& process, std::time_t) {
    return process.name;
}
std::string command_of(const GuestProcess& process, std::time_t) {
    return process.command;
}

struct Named {
    std::string_view name;
    std::string_view header;
    std::size_t width;
    bool right;
    decltype(ProcessColumn::text) text;
};

constexpr std::array<Named, 23> known{{
    {"user", "USER", 8, false, user_of},
    {"euser", "EUSER", 8, false, user_of},
    {"uid", "UID", 5, true, uid_of},
    {"euid", "EUID", 5, true, uid_of},
    {"pid", "PID", 7, true, pid_of},
    {"tgid", "TGID", 7, true, pid_of},
    {"ppid", "PPID", 7, true, parent_of},
    {"c", "C", 2, true, load_of},
    {"%cpu", "%CPU", 4, true, load_of},
    {"pcpu", "%CPU", 4, true, load_of},
    {"stime", "STIME", 5, false, start_time},
    {"tty", "TT", 8, false, terminal_of},
    {"tt", "TT", 8, false, terminal_of},
    {"tname", "TTY", 8, false, terminal_of},
    {"time", "TIME", 8, true, cpu_time_of},
    {"cputime", "TIME", 8, true, cpu_time_of},
    {"etime", "ELAPSED", 11, true, elapsed_of},
    {"s", "S", 1, false, state_of},
    {"stat", "STAT", 4, false, state_of},
    {"state", "S", 1, false, state_of},
    {"comm", "COMMAND", 15, false, name_of},
    {"args", "COMMAND", 27, false, command_of},
    {"cmd", "CMD", 27, false, command_of},
}};

Result<ProcessColumn> column_named(std::string_view item) {
    const auto equals = std::min(item.find('='), item.size());
    const auto name = item.substr(0, equals);
    const auto* found =
        std::find_if(known.begin(), known.end(), [&](const Named& c) { return c.name == name; });
    if (found == known.end())
        return fail("ps: unknown user-defined format specifier \"{}\"", name);
    const auto header = equals < item.size() ? item.substr(equals + 1) : found->header;
    return ProcessColumn{std::string(header), std::max(found->width, header.size()), found->right,
                         found->text};
}

Result<std::vector<ProcessColumn>> columns_named(std::string_view list) {
    std::vector<ProcessColumn> columns;
    while (!list.empty()) {
        const auto end = std::min(list.find_first_of(", "), list.size());
        if (end > 0) {
            NACRE_ASSIGN(columns.emplace_back(), column_named(list.substr(0, end)));
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return columns;
}

/// Of -f: as ps has them, UID being a name.
Result<std::vector<ProcessColumn>> full_columns() {
    return columns_named("user=UID,pid,ppid,c,stime,tty=TTY,time,cmd");
}

/// What the words of the options say: the list of -o, and whether there is anything that chooses columns.
struct Choice {
    std::string list;
    bool full = false;
    bool bsd = false;  // a BSD option such as x, which changes the format of a line
};

Result<Choice> read_options(std::span<const std::string> words) {
    Choice choice;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view letters = words[i];
        if (letters.starts_with('-'))
            letters.remove_prefix(1);
        for (; !letters.empty(); letters.remove_prefix(1)) {
            const char letter = letters.front();
            if (letter == 'o') {
                const auto rest = letters.substr(1);
                if (rest.empty() && i + 1 == words.size())
                    return fail("ps: format specification must follow -o");
                choice.list += "," + (rest.empty() ? words[++i] : std::string(rest));
                break;
            }
            if (std::string_view("efAaxw").find(letter) == std::string_view::npos)
                return fail(
                    "ps option \"{}\" is not supported: a guest's processes are shown as -ef or -o LIST",
                    words[i]);
            choice.full = choice.full || letter == 'f';
            choice.bsd = choice.bsd || letter == 'x' || (letter == 'a' && !words[i].starts_with('-'));
        }
    }
    return choice;
}

bool shows_pids(const std::vector<ProcessColumn>& columns) {
    return std::any_of(columns.begin(), columns.end(),
                       [](const ProcessColumn& column) { return column.header == "PID"; });
}

void append_cell(std::string& line, const ProcessColumn& column, const std::string& text, bool last) {
    if (!line.empty())
        line += ' ';
    if (column.right)
        line += fmt::format("{:>{}}", text, column.width);
    else
        line += last ? text : fmt::format("{:<{}}", text, column.width);
}

}  // namespace

Result<std::vector<ProcessColumn>> process_columns(std::span<const std::string> options) {
    NACRE_ASSIGN(const auto choice, read_options(options));
    if (!choice.list.empty()) {
        NACRE_ASSIGN(auto columns, columns_named(choice.list));
        if (!shows_pids(columns))
            return fail("couldn't find PID field in ps output");
        return columns;
    }
    if (options.empty() || choice.full)
        return full_columns();
    return columns_named(choice.bsd ? "pid,tname,stat,time,args" : "pid,tname,time,comm=CMD");
}

std::string process_table(const std::vector<GuestProcess>& processes,
                          const std::vector<ProcessColumn>& columns, std::time_t now) {
    std::string text;
    const auto add_line = [&](const auto& text_of) {
        std::string line;
        for (const auto& column : columns)
            append_cell(line, column, text_of(column), &column == &columns.back());
        text += line + "\n";
    };
    add_line([](const ProcessColumn& column) { return column.header; });
    for (const auto& process : processes)
        add_line([&](const ProcessColumn& column) { return column.text(process, now); });
    return text;
}

}  // namespace nacre::commands
