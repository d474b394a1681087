#include "guest-agent/container/process_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

constexpr std::size_t max_processes = 4096;
constexpr std::size_t max_command_bytes = 256;
constexpr std::size_t max_stat_bytes = 4096;

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(" \n"), text.size());
        if (end > 0)
            words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

/// Arguments end with NUL; what is no printable ASCII (a terminal's codes, half a character) becomes '?'.
std::string printable(std::string_view text) {
    while (!text.empty() && text.back() == '\0')
        text.remove_suffix(1);
    std::string line(text.substr(0, max_command_bytes));
    for (char& c : line) {
        if (c == '\0')
            c = ' ';
        else if (c < ' ' || c > '~')
            c = '?';
    }
    return line;
}

/// The beginning of a file: a command line may be as long as the workload likes.
std::string read_beginning(const std::string& path) {
    std::array<char, max_command_bytes> text;
    const auto file = open_file(path, O_RDONLY);
    const auto length = file ? ::read(file->get(), text.data(), text.size()) : -1;
    return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

ProcessClock clock_now() {
    timespec uptime{};
    ::clock_gettime(CLOCK_BOOTTIME, &uptime);
    return {::sysconf(_SC_CLK_TCK), static_cast<std::uint64_t>(uptime.tv_sec)};
}

std::uint32_t bounded(std::uint64_t seconds) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(seconds, std::numeric_limits<std::uint32_t>::max()));
}

std::optional<protocol::GuestProcess> describe(pid_t pid, const ProcessClock& clock) {
    const auto directory = fmt::format("/proc/{}", pid);
    const auto stat = read_file(directory + "/stat", max_stat_bytes);
    struct stat owner {};
    if (!stat || ::stat(directory.c_str(), &owner) < 0)
        return std::nullopt;
    auto process = parse_process_stat(*stat, read_beginning(directory + "/cmdline"), clock);
    if (process)
        process->uid = owner.st_uid;
    return process;
}

}  // namespace

std::string terminal_name(std::int32_t device) {
    // The layout of the kernel's new_encode_dev(); majors of Documentation/admin-guide/devices.txt.
    constexpr std::uint32_t first_pts = 136;
    constexpr std::uint32_t last_pts = 143;
    const auto number = static_cast<std::uint32_t>(device);
    const auto major = (number >> 8) & 0xfff;
    const auto minor = (number & 0xff) | ((number >> 12) & 0xfff00);
    if (major < first_pts || major > last_pts)
        return "?";
    return fmt::format("pts/{}", (major - first_pts) * 256 + minor);
}

std::optional<protocol::GuestProcess> parse_process_stat(std::string_view stat, std::string_view cmdline,
                                                         const ProcessClock& clock) {
    const auto open = stat.find(" (");
    const auto close = stat.rfind(") ");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2)
        return std::nullopt;
    // state ppid pgrp session tty_nr tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
    // priority nice threads itrealvalue starttime
    const auto fields = words_of(stat.substr(close + 2));
    protocol::GuestProcess process;
    std::int32_t terminal = 0;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    std::uint64_t started = 0;
    if (fields.size() < 20 || !read_number(stat.substr(0, open), process.pid) ||
        !read_number(fields[1], process.parent) || !read_number(fields[4], terminal) ||
        !read_number(fields[11], user) || !read_number(fields[12], system) ||
        !read_number(fields[19], started))
        return std::nullopt;
    const auto ticks = static_cast<std::uint64_t>(std::max(clock.ticks_per_second, 1L));
    process.cpu_seconds = bounded(user / ticks + system / ticks + (user % ticks + system % ticks) / ticks);
    process.age_seconds = bounded(clock.uptime_seconds - std::min(clock.uptime_seconds, started / ticks));
    process.state = printable(fields[0].substr(0, 1));
    process.terminal = terminal_name(terminal);
    process.name = printable(stat.substr(open + 2, close - open - 2));
    process.command = printable(cmdline);
    if (process.command.empty())
        process.command = "[" + process.name + "]";
    return process;
}

protocol::Processes describe_processes(const std::vector<pid_t>& pids) {
    protocol::Processes found;
    const auto clock = clock_now();
    for (const auto pid : pids) {
        if (found.processes.size() == max_processes)
            ++found.left_out;
        else if (auto process = describe(pid, clock))
            found.processes.push_back(std::move(*process));
    }
    return found;
}

}  // namespace nacre::agent
