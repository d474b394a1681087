#include "runtime/cgroup/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t file_limit = 1024 * 1024;
constexpr mode_t directory_mode = 0755;

Result<void> write_file(const std::string& path, const std::string& value) {
    NACRE_ASSIGN(const auto file, open_file(path, O_WRONLY));
    if (::write(file.get(), value.data(), value.size()) < 0)
        return fail_errno("write \"{}\" to {}", value, path);
    return {};
}

/// "a-b.slice" lies in "a.slice" (systemd.slice(5)).
std::string slice_path(const std::string& slice) {
    std::string path;
    const auto stem = slice.substr(0, slice.size() - std::string(".slice").size());
    if (stem == "-")
        return path;
    for (auto dash = stem.find('-'); dash != std::string::npos; dash = stem.find('-', dash + 1))
        path += "/" + stem.substr(0, dash) + ".slice";
    return path + "/" + slice;
}

/// "slice:prefix:name" → "/…/slice/prefix-name.scope".
std::string systemd_path(const std::string& text) {
    const auto first = text.find(':');
    const auto second = text.find(':', first + 1);
    auto slice = text.substr(0, first);
    const auto prefix = text.substr(first + 1, second - first - 1);
    auto name = text.substr(second + 1);
    if (slice.empty())
        slice = "system.slice";
    if (name.ends_with(".slice"))
        return slice_path(slice) + "/" + name;
    return slice_path(slice) + "/" + (prefix.empty() ? name : prefix + "-" + name) + ".scope";
}

bool is_systemd_form(const std::string& path) {
    return std::ranges::count(path, ':') == 2 && path.find('/') == std::string::npos;
}

bool climbs(const std::string& path) {
    return ("/" + path + "/").find("/../") != std::string::npos;
}

/// Lets the children of `parent` use all controllers that it has. A refusal (processes in it) shows when a
/// limit is set.
void enable_controllers(const std::string& parent) {
    const auto available = read_file(parent + "/cgroup.controllers", file_limit);
    if (!available)
        return;
    std::string name;
    for (const char c : *available + " ") {
        if (c != ' ' && c != '\n') {
            name.push_back(c);
            continue;
        }
        if (!name.empty()) [[maybe_unused]]
            const auto result = write_file(parent + "/cgroup.subtree_control", "+" + name);
        name.clear();
    }
}

/// A v1 cpuset has to be given CPUs and memory nodes before it takes a process (cpusets(7)).
void inherit_cpuset(const std::string& parent, const std::string& directory) {
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
        const auto own = read_file(directory + file, file_limit);
        const auto inherited = read_file(parent + file, file_limit);
        if (own && inherited && (own->empty() || *own == "\n")) [[maybe_unused]]
            const auto result = write_file(directory + file, *inherited);
    }
}

/// Makes `directory` and its missing parents; whether `directory` itself was made.
Result<bool> make_directories(const std::string& directory) {
    bool made = false;
    for (auto slash = directory.find('/', 1);; slash = directory.find('/', slash + 1)) {
        const auto path = directory.substr(0, slash);
        made = ::mkdir(path.c_str(), directory_mode) == 0;
        if (!made && errno != EEXIST)
            return fail_errno("create cgroup {}", path);
        const auto parent = path.substr(0, path.rfind('/'));
        if (made)
            inherit_cpuset(parent, path);
        if (slash == std::string::npos)
            return made;
        if (path != "/sys" && path != "/sys/fs")
            enable_controllers(path);
    }
}

void read_processes(const std::string& directory, std::vector<pid_t>& pids) {
    const auto text = read_file(directory + "/cgroup.procs", file_limit);
    if (!text)
        return;
    const char* position = text->data();
    const char* const end = position + text->size();
    pid_t pid = 0;
    while (position < end) {
        const auto parsed = std::from_chars(position, end, pid);
        if (parsed.ec != std::errc())
            return;
        pids.push_back(pid);
        position = parsed.ptr + 1;
    }
}

/// The names of the directories in `directory`: in a cgroup file system, the cgroups below it.
std::vector<std::string> children_of(const std::string& directory) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
    while (const auto* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..")
            names.push_back(name);
    }
    return names;
}

/// `directory` and all cgroups below it, children before parents.
std::vector<std::string> tree_of(const std::string& directory) {
    std::vector<std::string> tree{directory};
    for (std::size_t i = 0; i < tree.size(); ++i) {
        const auto parent = tree[i];
        for (const auto& child : children_of(parent))
            tree.push_back(parent + "/" + child);
    }
    std::ranges::reverse(tree);
    return tree;
}

/// The root of a hierarchy holds every process that is nowhere else: it is never a container's. Only a v1
/// root has release_agent; only a v2 root has controllers but no events (cgroups(7), cgroup-v2.rst).
bool is_root(const std::string& directory) {
    const auto has = [&](const char* file) { return ::access((directory + file).c_str(), F_OK) == 0; };
    return has("/release_agent") || (has("/cgroup.controllers") && !has("/cgroup.events"));
}

/// By its own setting, of cgroup v2 or v1's freezer: a process that joins would never run.
bool is_frozen(const std::string& directory) {
    return read_file(directory + "/cgroup.freeze", file_limit).value_or("").starts_with('1') ||
           read_file(directory + "/freezer.state", file_limit).value_or("").starts_with("FR");
}

bool remove_tree(const std::string& directory) {
    bool removed = true;
    for (const auto& path : tree_of(directory))
        removed = (::rmdir(path.c_str()) == 0 || errno == ENOENT) && removed;
    return removed;
}

}  // namespace

Result<Cgroup> Cgroup::locate(const std::string& cgroups_path, const std::string& id,
                              const std::vector<CgroupHierarchy>& hierarchies) {
    if (climbs(cgroups_path))
        return fail("config.json: /linux/cgroupsPath: \"{}\": \"..\" is not allowed", cgroups_path);
    std::vector<std::string> directories;
    for (const auto& hierarchy : hierarchies) {
        std::string path = cgroups_path;
        if (path.empty())
            path = "/" + id;
        else if (is_systemd_form(path))
            path = systemd_path(path);
        else if (!path.starts_with('/'))
            path = (hierarchy.own_path == "/" ? "" : hierarchy.own_path) + "/" + path;
        while (path.size() > 1 && path.ends_with('/'))
            path.pop_back();
        if (path.find_first_not_of("/.") == std::string::npos)
            return fail(
                "config.json: /linux/cgroupsPath: \"{}\" is the root cgroup, which cannot be a container's",
                cgroups_path);
        directories.push_back(hierarchy.mount_point + path);
    }
    return Cgroup(std::move(directories));
}

Result<void> Cgroup::check_unused() const {
    // Whatever is in a container's cgroup is killed with the container: it must not be somebody else's.
    if (const auto others = processes(); !others.empty())
        return fail("container's cgroup {} is not empty: {} process(es) found", directories_.front(),
                    others.size());
    for (const auto& directory : directories_)
        if (is_frozen(directory))
            return fail("container's cgroup unexpectedly frozen: {}", directory);
    return {};
}

Result<bool> Cgroup::create() const {
    NACRE_TRY(check_unused());
    bool made = true;
    for (const auto& directory : directories_) {
        NACRE_ASSIGN(const bool made_here, make_directories(directory));
        made = made && made_here;
    }
    return made;
}

Result<void> Cgroup::add_process(pid_t pid) const {
    for (const auto& directory : directories_)
        NACRE_TRY(write_file(directory + "/cgroup.procs", std::to_string(pid)));
    return {};
}

Result<void> Cgroup::apply(const std::vector<CgroupSetting>& settings) const {
    for (const auto& setting : settings) {
        // On v1 each file exists only in the hierarchy of its controller.
        const auto has_file = [&](const std::string& directory) {
            return ::access((directory + "/" + setting.file).c_str(), F_OK) == 0;
        };
        const auto directory = std::ranges::find_if(directories_, has_file);
        if (directory == directories_.end())
            return fail("set {} of cgroup {}: the {} controller is not available there", setting.file,
                        directories_.front(), setting.controller);
        NACRE_TRY(write_file(*directory + "/" + setting.file, setting.value));
    }
    return {};
}

std::vector<pid_t> Cgroup::processes() const {
    std::vector<pid_t> pids;
    for (const auto& directory : directories_) {
        for (const auto& path : tree_of(directory))
            read_processes(path, pids);
    }
    std::ranges::sort(pids);
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    return pids;
}

Result<void> Cgroup::remove(int timeout_ms) const {
    for (const auto& directory : directories_)
        if (is_root(directory))
            return fail("remove cgroup {}: it is the root of its hierarchy", directory);
    const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
    for (auto pause = std::chrono::milliseconds(1);;
         pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
        for (const pid_t pid : processes())
            ::kill(pid, SIGKILL);
        bool removed = true;
        for (const auto& directory : directories_)
            removed = remove_tree(directory) && removed;
        if (removed)
            return {};
        if (Clock::now() >= end)
            return fail("remove cgroup {}: processes in it do not end", directories_.front());
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace nacre::runtime
