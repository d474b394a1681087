#include "runtime/commands/signal_name.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace nacre::commands {

namespace {

/// glibc's own SIGRTMIN is two higher: it keeps two for threads. Callers mean the kernel's.
constexpr int realtime_first = 34;
constexpr int last_signal = 64;

constexpr std::array<std::pair<std::string_view, int>, 37> names{{
    {"HUP", SIGHUP},        {"INT", SIGINT},     {"QUIT", SIGQUIT},  {"ILL", SIGILL},
    {"TRAP", SIGTRAP},      {"ABRT", SIGABRT},   {"IOT", SIGABRT},   {"BUS", SIGBUS},
    {"FPE", SIGFPE},        {"KILL", SIGKILL},   {"USR1", SIGUSR1},  {"SEGV", SIGSEGV},
    {"USR2", SIGUSR2},      {"PIPE", SIGPIPE},   {"ALRM", SIGALRM},  {"TERM", SIGTERM},
    {"STKFLT", SIGSTKFLT},  {"CHLD", SIGCHLD},   {"CLD", SIGCHLD},   {"CONT", SIGCONT},
    {"STOP", SIGSTOP},      {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},  {"TTOU", SIGTTOU},
    {"URG", SIGURG},        {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},  {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF},      {"WINCH", SIGWINCH}, {"IO", SIGIO},      {"POLL", SIGIO},
    {"PWR", SIGPWR},        {"SYS", SIGSYS},     {"UNUSED", SIGSYS}, {"RTMIN", realtime_first},
    {"RTMAX", last_signal},
}};

std::optional<int> whole_number(std::string_view text) {
    int number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<int> named(std::string_view name) {
    const auto* found =
        std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == name; });
    return found == names.end() ? std::nullopt : std::optional(found->second);
}

/// "RTMIN+3", "RTMAX-1".
std::optional<int> realtime(std::string_view name) {
    const auto sign = name.find_first_of("+-");
    if (!name.starts_with("RTM") || sign == std::string_view::npos)
        return std::nullopt;
    const auto base = named(name.substr(0, sign));
    const auto offset = whole_number(name.substr(sign + 1));
    if (!base || !offset || *offset < 0 || *offset > last_signal)
        return std::nullopt;
    return name[sign] == '+' ? *base + *offset : *base - *offset;
}

}  // namespace

Result<int> signal_number(std::string_view name) {
    std::string upper(name);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    std::string_view key = upper;
    if (key.starts_with("SIG"))
        key.remove_prefix(3);
    if (const auto number = whole_number(name)) {
        if (*number < 0 || *number > last_signal)
            return fail_with(EINVAL, "unable to signal init");
        return *number;
    }
    auto number = named(key);
    if (!number)
        number = realtime(key);
    if (!number || *number < 1 || *number > last_signal)
        return fail("unknown signal \"{}\"", name);
    return *number;
}

}  // namespace nacre::commands
