#include "runtime/check/jail_state.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <memory>
#include <optional>
#include <string_view>

#include "vmm/base/file.h"
#include "vmm/jail/capabilities.h"
#include "vmm/jail/user.h"

namespace nacre::check {

namespace {

constexpr std::size_t max_file_bytes = 64 * 1024;
constexpr auto report_it =
    "this is a bug of nacre, or somebody has changed the process: stop the container and report it";

/// The value of "Key:\tvalue" in a file of proc(5); empty if there is none.
std::string value_of(const std::string& text, std::string_view key) {
    const auto start = ("\n" + text).find("\n" + std::string(key) + ":");
    if (start == std::string::npos)
        return {};
    const auto end = text.find('\n', start);
    auto value = text.substr(start + key.size() + 1, end - start - key.size() - 1);
    value.erase(0, value.find_first_not_of(" \t"));
    return value;
}

std::optional<std::uint64_t> hexadecimal(const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && !text.empty() ? std::optional(value) : std::nullopt;
}

Requirement verdict(bool passed, std::string name, std::string detail) {
    return passed ? pass(std::move(name), std::move(detail))
                  : miss(std::move(name), std::move(detail), report_it);
}

std::string link_of(const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlink(path.c_str(), target.data(), target.size());
    return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

Requirement check_namespaces(const std::string& process, const std::string& outside) {
    std::string own;
    std::string shared;
    for (const auto* name : {"mnt", "pid", "net", "ipc", "uts"}) {
        const auto inside = link_of(fmt::format("{}/ns/{}", process, name));
        auto& list =
            inside.empty() || inside == link_of(fmt::format("{}/ns/{}", outside, name)) ? shared : own;
        list += (list.empty() ? "" : " ") + std::string(name);
    }
    return verdict(shared.empty(), "namespaces",
                   shared.empty() ? own + " of its own" : shared + " shared with the host");
}

Requirement check_root(const std::string& process, const std::string& outside) {
    struct stat inside {};
    struct stat host {};
    const bool known = ::stat((process + "/root/.").c_str(), &inside) == 0 &&
                       ::stat((outside + "/root/.").c_str(), &host) == 0;
    const bool differs = known && (inside.st_dev != host.st_dev || inside.st_ino != host.st_ino);
    return verdict(differs, "root directory",
                   differs ? "the share"
                   : known ? "the host's"
                           : "cannot be seen");
}

/// Of proc_pid_limits(5): whether the soft limit is 0.
Requirement check_off(const std::string& process, std::string name, std::string_view limit) {
    const auto limits = read_file(process + "/limits", max_file_bytes).value_or("");
    const auto start = limits.find(limit);
    auto line = start == std::string::npos
                    ? ""
                    : limits.substr(start + limit.size(), limits.find('\n', start) - start - limit.size());
    line.erase(0, line.find_first_not_of(' '));
    const bool off = line.starts_with("0 ");
    return verdict(off, std::move(name), off ? "off" : "on");
}

struct ThreadState {
    std::string name;
    std::string users;               // real, effective, saved, of the file system
    std::uint64_t capabilities = 0;  // permitted or inheritable
    std::uint64_t bounding = 0;
    bool no_new_privileges = false;
    bool filtered = false;

    bool serves_files() const { return name == "virtio-fs"; }
};

std::optional<ThreadState> thread_state(const std::string& directory) {
    const auto text = read_file(directory + "/status", max_file_bytes).value_or("");
    const auto permitted = hexadecimal(value_of(text, "CapPrm"));
    const auto inheritable = hexadecimal(value_of(text, "CapInh"));
    const auto bounding = hexadecimal(value_of(text, "CapBnd"));
    if (!permitted || !inheritable || !bounding)
        return std::nullopt;
    return ThreadState{value_of(text, "Name"),
                       value_of(text, "Uid"),
                       *permitted | *inheritable,
                       *bounding,
                       value_of(text, "NoNewPrivs") == "1",
                       value_of(text, "Seccomp") == "2"};
}

/// Threads that serve files act as the guest's users do; all others are nobody.
bool has_fitting_user(const ThreadState& state) {
    const auto nobody = fmt::format("{0}\t{0}\t{0}\t{0}", jail::unprivileged_user);
    return state.serves_files() ? state.users.starts_with("0\t") : state.users == nobody;
}

Requirement check_thread(const std::string& id, const ThreadState& state, std::uint64_t most_capabilities) {
    const auto allowed = state.serves_files() ? most_capabilities : 0;
    const bool narrow = (state.capabilities & ~allowed) == 0 && (state.bounding & ~most_capabilities) == 0;
    const bool fitting = has_fitting_user(state);
    return verdict(
        narrow && fitting && state.no_new_privileges && state.filtered,
        fmt::format("thread {} ({})", id, state.name),
        fmt::format("user {}{}, capabilities {:#x}{}, {}, {}", state.users.substr(0, state.users.find('\t')),
                    fitting ? "" : " (another)", state.capabilities, narrow ? "" : " (too many)",
                    state.no_new_privileges ? "no_new_privs" : "may gain privileges",
                    state.filtered ? "seccomp filter" : "no seccomp filter"));
}

/// A file server thread's working directory is on a procfs of the VM's own, without anything of the system.
Requirement check_working_directory(const std::string& thread, const std::string& id) {
    struct stat status {};
    const bool apart = ::stat((thread + "/cwd/../../sys").c_str(), &status) != 0;
    return verdict(apart, "working directory of thread " + id,
                   apart ? "apart from the host's /proc" : "in the host's /proc");
}

struct Thread {
    std::string id;
    ThreadState state;
};

/// Those that can be seen: threads come and go.
std::vector<Thread> threads_of(const std::string& process) {
    std::vector<Thread> threads;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir((process + "/task").c_str()), ::closedir);
    while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
        if (entry->d_name[0] == '.')
            continue;
        if (auto state = thread_state(fmt::format("{}/task/{}", process, entry->d_name)))
            threads.push_back({entry->d_name, std::move(*state)});
    }
    std::ranges::sort(threads, {}, &Thread::id);
    return threads;
}

}  // namespace

std::vector<Requirement> check_jail(const std::string& process, const std::string& outside) {
    std::vector<Requirement> found{check_namespaces(process, outside), check_root(process, outside),
                                   check_off(process, "core dumps", "Max core file size"),
                                   check_off(process, "locked memory", "Max locked memory")};
    const auto threads = threads_of(process);
    const bool serves_files = std::ranges::any_of(threads, &ThreadState::serves_files, &Thread::state);
    found.push_back(
        pass("file server", serves_files ? "for the share" : "none: nothing of the host is shared"));
    if (threads.empty())
        found.push_back(miss("threads", "cannot be seen", "see whether the container still runs"));
    for (const auto& [id, state] : threads) {
        found.push_back(check_thread(id, state, serves_files ? jail::file_server_capabilities() : 0));
        if (state.serves_files())
            found.push_back(check_working_directory(fmt::format("{}/task/{}", process, id), id));
    }
    return found;
}

}  // namespace nacre::check
