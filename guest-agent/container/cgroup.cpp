#include "guest-agent/container/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <charconv>
#include <memory>

#include "guest-agent/container/cgroup_settings.h"
#include "guest-agent/container/paths.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// Far above what a container of a small VM has; bounds what one file can make the agent hold.
constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;

Result<void> write_file(const std::string& path, const std::string& value) {
    NACRE_ASSIGN(const auto file, open_file(path, O_WRONLY));
    auto written = write_all(file.get(), value);
    if (!written)
        return add_context(std::move(written).error(), fmt::format("set {} to {}", path, value));
    return {};
}

/// Lets the groups below `directory` use every controller that it has. One at a time: a controller that
/// cannot be delegated must not keep the others back.
void delegate_controllers(const std::string& directory) {
    auto controllers = read_file(directory + "/cgroup.controllers", max_file_bytes).value_or("");
    std::string name;
    for (const char c : controllers) {
        if (c != ' ' && c != '\n') {
            name.push_back(c);
            continue;
        }
        (void)write_file(directory + "/cgroup.subtree_control", "+" + name);
        name.clear();
    }
}

bool is_plain_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

std::vector<pid_t> numbers_in(const std::string& text) {
    std::vector<pid_t> numbers;
    const char* position = text.data();
    const char* const end = position + text.size();
    while (position < end) {
        pid_t number = 0;
        const auto [next, error] = std::from_chars(position, end, number);
        if (error == std::errc())
            numbers.push_back(number);
        position = next + 1;
    }
    return numbers;
}

/// Calls `visit` for every group below `path`, the deepest first, and `path` itself last.
template <class Visit>
void for_each_group(const std::string& path, const Visit& visit) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    while (directory) {
        const dirent* entry = ::readdir(directory.get());
        if (entry == nullptr)
            break;
        const std::string name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..")
            for_each_group(path + "/" + name, visit);
    }
    visit(path);
}

/// cgroup.subtree_control is not empty: "no internal processes" (cgroups(7)).
bool is_divided(const std::string& path) {
    return read_file(path + "/cgroup.subtree_control", max_file_bytes).value_or("").size() > 1;
}

/// The group of a process, from the root of the hierarchy: the line "0::/path" of its cgroup file.
std::string group_of(pid_t pid) {
    const auto text = read_file(fmt::format("/proc/{}/cgroup", pid), max_file_bytes).value_or("");
    constexpr std::string_view key = "0::";
    const auto begin = text.find(key);
    if (begin == std::string::npos)
        return {};
    return text.substr(begin + key.size(), text.find('\n', begin) - begin - key.size());
}

bool has_parent_component(const std::string& path) {
    return ("/" + path + "/").find("/../") != std::string::npos;
}

}  // namespace

tl::unexpected<Error> cannot_join(const std::string& path, int code) {
    auto reason = errno_text(code);
    reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
    return tl::unexpected(
        Error{fmt::format("error adding pid of the process to cgroups: {}{}/cgroup.procs: {}",
                          path.starts_with('/') ? "" : "/", path == "/" ? "" : path, reason),
              code});
}

Result<Cgroup> Cgroup::create(const std::string& root, const std::string& name) {
    if (!is_plain_name(name))
        return fail_with(EINVAL, "make cgroup \"{}\"", name);
    delegate_controllers(root);
    auto path = root + "/" + name;
    // What is left of a deleted container whose last process died late is empty by now.
    ::rmdir(path.c_str());
    if (::mkdir(path.c_str(), 0755) < 0)
        return fail_errno("make cgroup {}", path);
    NACRE_ASSIGN(auto directory, open_file(path, O_RDONLY | O_DIRECTORY));
    return Cgroup(std::move(path), std::move(directory));
}

Result<void> Cgroup::apply_one(const CgroupSetting& setting) const {
    if (!is_plain_name(setting.file))
        return fail_with(EINVAL, "cgroup setting \"{}\"", setting.file);
    auto written = write_file(path_ + "/" + setting.file, setting.value);
    if (setting.optional)
        return {};
    return written;
}

/// memory.checkBeforeUpdate: a limit below what is in use would set the out-of-memory killer off.
Result<void> Cgroup::check_usage(const oci::Resources& resources) const {
    if (!resources.memory || !resources.memory->check_before_update.value_or(false))
        return {};
    const auto limit = resources.memory->limit.value_or(0);
    const auto swap = resources.memory->swap.value_or(0);
    NACRE_ASSIGN(const auto text, read("memory.current", 64));
    std::int64_t usage = 0;
    std::from_chars(text.data(), text.data() + text.size(), usage);
    if (swap > 0 && swap <= usage)
        return fail("rejecting memory+swap limit {} <= usage {}", swap, usage);
    if (limit > 0 && limit <= usage)
        return fail("rejecting memory limit {} <= usage {}", limit, usage);
    return {};
}

Result<void> Cgroup::apply(const oci::Resources& resources) const {
    NACRE_TRY(check_usage(resources));
    std::vector<CgroupSetting> refused;
    for (const auto& setting : cgroup_settings(resources)) {
        auto applied = apply_one(setting);
        if (!applied && applied.error().code != EINVAL)
            return applied;
        if (!applied)
            refused.push_back(setting);
    }
    for (const auto& setting : refused)
        NACRE_TRY(apply_one(setting));
    return {};
}

Result<void> Cgroup::delegate_to(uid_t owner) const {
    NACRE_ASSIGN(const auto files, read_file("/sys/kernel/cgroup/delegate", max_file_bytes));
    constexpr auto no_group = static_cast<gid_t>(-1);
    if (::fchown(directory_.get(), owner, no_group) < 0)
        return fail_errno("set owner of cgroup {}", path_);
    for (std::size_t begin = 0; begin < files.size();) {
        const auto end = std::min(files.find('\n', begin), files.size());
        const auto file = files.substr(begin, end - begin);
        // A file of a controller that this group has not is not there.
        if (::fchownat(directory_.get(), file.c_str(), owner, no_group, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno != ENOENT)
            return fail_errno("set owner of cgroup {}/{}", path_, file);
        begin = end + 1;
    }
    return {};
}

Result<FileDescriptor> Cgroup::open_below(const std::string& path) const {
    if (has_parent_component(path))
        return fail("bad sub cgroup path: {}", path);
    auto group = open_in_root(directory_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!group)
        return cannot_join(path, group.error().code);
    return group;
}

Result<FileDescriptor> Cgroup::open_for_process(const std::string& path, pid_t init) const {
    if (!path.empty() || !is_divided(path_))
        return open_below(path.empty() ? "/" : path);
    const auto name = path_.substr(path_.rfind('/'));
    const auto group = group_of(init);
    const auto own = group.find(name + "/");
    return open_below(own == std::string::npos ? "/" : group.substr(own + name.size()));
}

void Cgroup::kill_all() const {
    (void)write_file(path_ + "/cgroup.kill", "1");
}

void Cgroup::signal_all(int signal) const {
    if (signal == SIGKILL) {
        kill_all();
        return;
    }
    for (const auto pid : processes())
        ::kill(pid, signal);
}

std::vector<pid_t> Cgroup::processes() const {
    std::vector<pid_t> pids;
    for_each_group(path_, [&](const std::string& group) {
        const auto found = numbers_in(read_file(group + "/cgroup.procs", max_file_bytes).value_or(""));
        pids.insert(pids.end(), found.begin(), found.end());
    });
    return pids;
}

Result<void> Cgroup::freeze(bool frozen) const {
    return write_file(path_ + "/cgroup.freeze", frozen ? "1" : "0");
}

Result<std::string> Cgroup::read(const std::string& file, std::size_t limit) const {
    if (!is_plain_name(file))
        return fail_with(EINVAL, "cgroup file \"{}\"", file);
    return read_file(path_ + "/" + file, limit);
}

Result<FileDescriptor> Cgroup::open_events() const {
    return open_file(path_ + "/cgroup.events", O_RDONLY);
}

Result<FileDescriptor> Cgroup::open_memory_events() const {
    return open_file(path_ + "/memory.events", O_RDONLY);
}

Result<void> Cgroup::remove() const {
    Result<void> result;
    for_each_group(path_, [&](const std::string& group) {
        if (::rmdir(group.c_str()) < 0 && errno != ENOENT)
            result = fail_errno("remove cgroup {}", group);
    });
    return result;
}

std::uint64_t read_oom_kills(int memory_events) {
    std::array<char, 1024> text;
    const auto length = ::pread(memory_events, text.data(), text.size(), 0);
    const std::string_view events(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    constexpr std::string_view key = "oom_kill ";
    const auto found = events.find(key);
    std::uint64_t count = 0;
    if (found != std::string_view::npos)
        std::from_chars(events.data() + found + key.size(), events.data() + events.size(), count);
    return count;
}

}  // namespace nacre::agent
