#include "runtime/cgroup/cgroup_tree.h"

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

/// A v1 cpuset has to be given CPUs and memory nodes before it takes a process or can have a child with any
/// (cpusets(7)); one that somebody else made may have none yet.
void inherit_cpuset(const std::string& parent, const std::string& directory) {
    if (::access((directory + "/cgroup.controllers").c_str(), F_OK) == 0)
        return;
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
        const auto own = read_file(directory + file, file_limit);
        const auto inherited = read_file(parent + file, file_limit);
        if (own && inherited && (own->empty() || *own == "\n")) [[maybe_unused]]
            const auto result = write_cgroup_file(directory + file, *inherited);
    }
}

/// Makes `directory` and its missing parents.
Result<void> make_directories(const std::string& directory) {
    for (auto slash = directory.find('/', 1);; slash = directory.find('/', slash + 1)) {
        const auto path = directory.substr(0, slash);
        if (::mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST)
            return fail_errno("create cgroup {}", path);
        inherit_cpuset(path.substr(0, path.rfind('/')), path);
        if (slash == std::string::npos)
            return {};
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

/// Whether the kernel would let the cgroups below have controllers and still take processes there: not below
/// one that has processes of its own, unless it is the root. It does enable threaded controllers (cpu,
/// cpuset, pids) on such a one, but makes it the root of a threaded subtree by that, below which no process
/// can go (cgroup-v2.rst, Threads).
bool can_share_controllers(const std::string& directory) {
    std::vector<pid_t> own;
    read_processes(directory, own);
    return own.empty() || is_root(directory);
}

/// Every process in the directories and below them, each once; 0 stands for those of outer pid namespaces.
std::vector<pid_t> members_of(const std::vector<std::string>& directories) {
    std::vector<pid_t> pids;
    for (const auto& directory : directories) {
        for (const auto& path : tree_of(directory))
            read_processes(path, pids);
    }
    std::ranges::sort(pids);
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    return pids;
}

bool remove_tree(const std::string& directory) {
    bool removed = true;
    for (const auto& path : tree_of(directory))
        removed = (::rmdir(path.c_str()) == 0 || errno == ENOENT) && removed;
    return removed;
}

}  // namespace

Result<void> write_cgroup_file(const std::string& path, const std::string& value) {
    NACRE_ASSIGN(const auto file, open_file(path, O_WRONLY));
    if (::write(file.get(), value.data(), value.size()) < 0)
        return fail_errno("write \"{}\" to {}", value, path);
    return {};
}

void enable_controllers(const std::string& directory) {
    const auto available = read_file(directory + "/cgroup.controllers", file_limit);
    if (!available || !can_share_controllers(directory))
        return;
    std::string name;
    for (const char c : *available + " ") {
        if (c != ' ' && c != '\n') {
            name.push_back(c);
            continue;
        }
        if (!name.empty()) [[maybe_unused]]
            const auto result = write_cgroup_file(directory + "/cgroup.subtree_control", "+" + name);
        name.clear();
    }
}

bool CgroupTree::unified() const {
    return ::access((directories_.front() + "/cgroup.controllers").c_str(), F_OK) == 0;
}

std::string CgroupTree::clone_target() const {
    return directories_.size() == 1 && unified() ? directories_.front() : std::string();
}

std::string CgroupTree::directory_with(const std::string& file) const {
    for (const auto& directory : directories_) {
        if (::access((directory + "/" + file).c_str(), F_OK) == 0)
            return directory;
    }
    return {};
}

CgroupTree CgroupTree::beside(const std::string& suffix) const {
    auto directories = directories_;
    for (auto& directory : directories)
        directory += suffix;
    return CgroupTree(std::move(directories));
}

Result<void> CgroupTree::check_unused() const {
    if (const auto others = members_of(directories_); !others.empty())
        return fail("container's cgroup is not empty: {} process(es) found in {}", others.size(),
                    directories_.front());
    for (const auto& directory : directories_)
        if (is_frozen(directory))
            return fail("container's cgroup unexpectedly frozen: {}", directory);
    return {};
}

Result<void> CgroupTree::make() const {
    for (const auto& directory : directories_)
        NACRE_TRY(make_directories(directory));
    return {};
}

Result<void> CgroupTree::add_process(pid_t pid) const {
    for (const auto& directory : directories_)
        NACRE_TRY(write_cgroup_file(directory + "/cgroup.procs", std::to_string(pid)));
    return {};
}

Result<void> CgroupTree::apply(const std::vector<CgroupSetting>& settings) const {
    for (const auto& setting : settings) {
        const auto directory = directory_with(setting.file);
        if (directory.empty())
            return fail("set {} of cgroup {}: the {} controller is not available there", setting.file,
                        directories_.front(), setting.controller);
        NACRE_TRY(write_cgroup_file(directory + "/" + setting.file, setting.value));
    }
    return {};
}

std::vector<pid_t> CgroupTree::processes() const {
    auto pids = members_of(directories_);
    std::erase(pids, 0);
    return pids;
}

Result<void> CgroupTree::check_not_root() const {
    for (const auto& directory : directories_)
        if (is_root(directory))
            return fail("remove cgroup {}: it is the root of its hierarchy", directory);
    return {};
}

template <class Step>
Result<void> CgroupTree::retry(int timeout_ms, Step step) const {
    const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
    auto pause = std::chrono::milliseconds(1);
    while (!step()) {
        if (Clock::now() >= end)
            return fail("remove cgroup {}: processes in it do not end", directories_.front());
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::milliseconds(50));
    }
    return {};
}

void CgroupTree::thaw() const {
    for (const auto& directory : directories_) {
        for (const auto& path : tree_of(directory)) {
            if (is_frozen(path)) [[maybe_unused]]
                const auto result = write_cgroup_file(path + "/freezer.state", "THAWED");
        }
    }
}

Result<void> CgroupTree::kill_all(int timeout_ms) const {
    NACRE_TRY(check_not_root());
    return retry(timeout_ms, [&] {
        thaw();
        for (const pid_t pid : processes())
            ::kill(pid, SIGKILL);
        return members_of(directories_).empty();
    });
}

Result<void> CgroupTree::remove(int timeout_ms) const {
    NACRE_TRY(kill_all(timeout_ms));
    // A process that has ended may count for a moment longer.
    return retry(timeout_ms, [&] {
        bool removed = true;
        for (const auto& directory : directories_)
            removed = remove_tree(directory) && removed;
        return removed;
    });
}

}  // namespace nacre::runtime
