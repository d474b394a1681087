#include "guest-agent/container/proc_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <vector>

#include "guest-agent/container/clone_process.h"
#include "guest-agent/container/setup_channel.h"
#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::agent {

namespace {

constexpr int mount_timeout_ms = 5'000;
constexpr std::size_t max_file_bytes = 4096;

/// Of the answer before it is encoded: in JSON a byte is six at the most (\u0000), and a frame is 4 MiB.
constexpr std::size_t max_answer_bytes = 384 * 1024;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

/// The beginning of a file; empty when its process has gone. seq_file gives all of it in one read.
std::string read_beginning(int proc, const std::string& path) {
    std::array<char, max_file_bytes> text;
    const auto file = open_resolved(proc, path, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    const auto length = file ? ::read(file->get(), text.data(), text.size()) : -1;
    return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

Result<std::vector<std::uint32_t>> pids_in(int proc, std::uint32_t after) {
    NACRE_ASSIGN(auto list, open_resolved(proc, ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH));
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(list.get()));
    if (!directory)
        return fail_errno("list processes");
    (void)list.release();
    std::vector<std::uint32_t> pids;
    while (const auto* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        std::uint32_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error == std::errc() && end == name.data() + name.size() && pid > after)
            pids.push_back(pid);
    }
    std::ranges::sort(pids);
    return pids;
}

protocol::ProcessFiles read_process(int proc, std::uint32_t pid) {
    protocol::ProcessFiles files;
    files.pid = pid;
    files.stat = read_beginning(proc, fmt::format("{}/stat", pid));
    files.status = read_beginning(proc, fmt::format("{}/status", pid));
    files.cmdline = read_beginning(proc, fmt::format("{}/cmdline", pid));
    files.label = read_beginning(proc, fmt::format("{}/attr/current", pid));
    return files;
}

std::size_t size_of(const protocol::ProcessFiles& files) {
    constexpr std::size_t names = 64;
    return names + files.stat.size() + files.status.size() + files.cmdline.size() + files.label.size();
}

Result<FileDescriptor> mount_proc() {
    const FileDescriptor context(::fsopen("proc", FSOPEN_CLOEXEC));
    if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("make a proc file system");
    FileDescriptor proc(
        ::fsmount(context.get(), FSMOUNT_CLOEXEC,
                  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    if (!proc)
        return fail_errno("mount proc");
    return proc;
}

/// In the child's child, which is born in the pid namespace: a procfs shows that of the process that makes
/// it.
Result<void> mount_and_send(SetupChild& channel) {
    NACRE_ASSIGN(const auto proc, mount_proc());
    return channel.send_console(proc.get());
}

Result<void> enter_and_mount(int init, SetupChild& channel) {
    if (::setns(init, CLONE_NEWPID) < 0)
        return fail_errno("enter the container's pid namespace");
    NACRE_ASSIGN(const auto pid, clone_process(0, -1));
    if (pid == 0)
        return mount_and_send(channel);
    // The channel's end tells the agent that it is not among the processes any more.
    ::waitpid(pid, nullptr, 0);
    return {};
}

[[noreturn]] void run_mount_process(int init, SetupChild channel) {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    const std::array keep{channel.fd(), init};
    close_other_descriptors(keep);
    if (const auto mounted = enter_and_mount(init, channel); !mounted)
        channel.failed(mounted.error());
    ::_exit(0);
}

Result<FileDescriptor> receive_mount(SetupParent channel) {
    pollfd entry{channel.fd(), POLLIN, 0};
    if (::poll(&entry, 1, mount_timeout_ms) <= 0)
        return fail_with(ETIMEDOUT, "mount the container's /proc");
    auto report = channel.receive();
    if (report && report->kind == SetupReport::Kind::console) {
        (void)::poll(&entry, 1, mount_timeout_ms);
        return std::move(report->console);
    }
    if (report && report->kind == SetupReport::Kind::failed)
        return tl::unexpected(report->error);
    return fail_with(ESRCH, "mount the container's /proc: its pid namespace is gone");
}

/// The /proc of the pid namespace of the process behind `init`, mounted nowhere.
Result<FileDescriptor> proc_of(int init) {
    NACRE_ASSIGN(auto channel, make_setup_channel());
    NACRE_ASSIGN(const auto pid, clone_process(0, -1));
    if (pid == 0)
        run_mount_process(init, std::move(channel.second));
    { const auto childs_end = std::move(channel.second); }
    return receive_mount(std::move(channel.first));
}

}  // namespace

std::uint32_t boot_time_in(std::string_view stat) {
    constexpr std::string_view name = "btime ";
    const auto line = stat.starts_with(name) ? 0 : stat.find("\nbtime ");
    if (line == std::string_view::npos)
        return 0;
    const auto number = stat.substr(line + name.size() + (line == 0 ? 0 : 1));
    std::uint32_t seconds = 0;
    std::from_chars(number.data(), number.data() + number.size(), seconds);
    return seconds;
}

Result<protocol::ProcFiles> read_proc_files_in(int proc, std::uint32_t after) {
    constexpr std::size_t max_stat_bytes = 256 * 1024;
    protocol::ProcFiles files;
    NACRE_ASSIGN(const auto stat, open_resolved(proc, "stat", O_RDONLY, RESOLVE_BENEATH));
    NACRE_ASSIGN(const auto text, read_to_end(stat.get(), max_stat_bytes));
    files.boot_time = boot_time_in(text);
    NACRE_ASSIGN(const auto pids, pids_in(proc, after));
    std::size_t bytes = 0;
    for (const auto pid : pids) {
        auto process = read_process(proc, pid);
        bytes += size_of(process);
        files.more = bytes > max_answer_bytes;
        if (files.more)
            break;
        if (!process.stat.empty() && !process.status.empty())
            files.processes.push_back(std::move(process));
    }
    return files;
}

Result<protocol::ProcFiles> read_proc_files(pid_t init, std::uint32_t after) {
    NACRE_ASSIGN(const auto pidfd, open_pidfd(init));
    NACRE_ASSIGN(const auto proc, proc_of(pidfd.get()));
    NACRE_ASSIGN(auto files, read_proc_files_in(proc.get(), after));
    struct stat space {};
    if (::stat(fmt::format("/proc/{}/ns/pid", init).c_str(), &space) < 0)
        return fail_errno("look at the container's pid namespace");
    files.pid_namespace = static_cast<std::uint32_t>(space.st_ino);
    return files;
}

}  // namespace nacre::agent
