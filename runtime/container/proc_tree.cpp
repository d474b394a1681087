#include "runtime/container/proc_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::size_t max_file_bytes = 4096;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    auto list = open_resolved(directory, ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH);
    const std::unique_ptr<DIR, CloseDirectory> open(list ? ::fdopendir(list->get()) : nullptr);
    if (!open)
        return names;
    (void)list->release();
    while (const auto* entry = ::readdir(open.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            names.emplace_back(name);
    }
    return names;
}

void remove_entry(int directory, const std::string& name) {
    if (::unlinkat(directory, name.c_str(), 0) == 0 || errno != EISDIR)
        return;
    if (const auto inner = open_resolved(directory, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH))
        clear_tree(inner->get());
    ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
}

void keep_only(int directory, const std::set<std::string>& wanted) {
    for (const auto& name : names_in(directory)) {
        if (!wanted.contains(name))
            remove_entry(directory, name);
    }
}

Result<FileDescriptor> make_directory(int parent, const std::string& name) {
    if (::mkdirat(parent, name.c_str(), 0555) < 0 && errno != EEXIST)
        return fail_errno("make directory {}", name);
    return open_resolved(parent, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
}

Result<void> put_file(int directory, const char* name, const std::string& text) {
    constexpr const char* unfinished = ".new";
    const FileDescriptor file(
        ::openat(directory, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0444));
    if (!file)
        return fail_errno("make {}", name);
    NACRE_TRY(write_all(file.get(), text.substr(0, max_file_bytes)));
    if (::renameat(directory, unfinished, directory, name) < 0)
        return fail_errno("replace {}", name);
    return {};
}

Result<void> put_process(int tree, const protocol::ProcessFiles& process, std::uint32_t pid_namespace) {
    NACRE_ASSIGN(const auto directory, make_directory(tree, std::to_string(process.pid)));
    NACRE_TRY(put_file(directory.get(), "stat", process.stat));
    NACRE_TRY(put_file(directory.get(), "status", process.status));
    NACRE_TRY(put_file(directory.get(), "cmdline", process.cmdline));
    NACRE_ASSIGN(const auto namespaces, make_directory(directory.get(), "ns"));
    const auto link = fmt::format("pid:[{}]", pid_namespace);
    if (::symlinkat(link.c_str(), namespaces.get(), "pid") < 0 && errno != EEXIST)
        return fail_errno("make ns/pid");
    if (process.label.empty())
        return {};
    NACRE_ASSIGN(const auto attributes, make_directory(directory.get(), "attr"));
    return put_file(attributes.get(), "current", process.label);
}

/// Field tty_nr of /proc/<pid>/stat, 0 for none. The name before it may hold blanks and brackets.
std::uint32_t terminal_of(std::string_view stat) {
    constexpr int fields_before = 4;  // state, ppid, pgrp, session
    auto at = stat.rfind(") ");
    for (int field = 0; at != std::string_view::npos && field <= fields_before; ++field)
        at = field == 0 ? at + 2 : stat.find(' ', at) + 1;
    if (at == std::string_view::npos || at == 0)
        return 0;
    std::uint32_t number = 0;
    std::from_chars(stat.data() + at, stat.data() + stat.size(), number);
    return number;
}

}  // namespace

Result<void> show_processes(int tree, const protocol::ProcFiles& files) {
    std::set<std::string> shown{"stat"};
    NACRE_TRY(put_file(tree, "stat", fmt::format("btime {}\n", files.boot_time)));
    // A tmpfs lists what was made last first, and readers expect ascending pids.
    for (auto i = std::min<std::size_t>(files.processes.size(), max_shown_processes); i-- > 0;) {
        const auto& process = files.processes[i];
        NACRE_TRY(put_process(tree, process, files.pid_namespace));
        shown.insert(std::to_string(process.pid));
    }
    keep_only(tree, shown);
    return {};
}

Result<void> show_terminals(int terminals, const protocol::ProcFiles& files) {
    constexpr std::uint32_t first_pts_major = 136;  // Documentation/admin-guide/devices.txt
    constexpr std::uint32_t last_pts_major = 143;
    std::set<std::string> shown;
    for (const auto& process : files.processes) {
        // The layout of the kernel's new_encode_dev().
        const auto device = terminal_of(process.stat);
        const auto major = (device >> 8) & 0xfff;
        const auto minor = (device & 0xff) | ((device >> 12) & 0xfff00);
        if (major < first_pts_major || major > last_pts_major || shown.size() >= max_shown_processes)
            continue;
        const auto name = std::to_string((major - first_pts_major) * 256 + minor);
        if (!shown.insert(name).second)
            continue;
        if (::mknodat(terminals, name.c_str(), S_IFCHR, makedev(major, minor)) < 0 && errno != EEXIST)
            return fail_errno("make pts/{}", name);
    }
    keep_only(terminals, shown);
    return {};
}

void clear_tree(int tree) {
    keep_only(tree, {});
}

}  // namespace nacre::runtime
