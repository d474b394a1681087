#include "runtime/vm/virtual_machine.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/vm/vm_sockets.h"
#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"
#include "vmm/base/printable.h"
#include "vmm/machine/exit_status.h"

namespace nacre::runtime {

namespace {

constexpr const char* console_log_name = "console.log";
constexpr const char* vmm_log_name = "vmm.log";
constexpr const char* lifeline_name = "lifeline";
constexpr std::size_t log_limit = 1024 * 1024;

/// Everything that nacre-vmm inherits.
struct Inherited {
    FileDescriptor vmm;
    FileDescriptor kernel;
    FileDescriptor initramfs;
    FileDescriptor vsock;
    FileDescriptor control;
    FileDescriptor lifeline;
    FileDescriptor channel;
    FileDescriptor console;
    FileDescriptor log;
};

Result<FileDescriptor> open_log(const std::string& directory, const char* name) {
    return open_file(directory + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
}

/// The reading end, before there is a writer.
Result<FileDescriptor> make_lifeline(const std::string& directory) {
    const auto path = directory + "/" + lifeline_name;
    if (::mkfifo(path.c_str(), 0600) < 0)
        return fail_errno("create {}", path);
    return open_file(path, O_RDONLY | O_NONBLOCK);
}

Result<Inherited> open_inherited(const Assets& assets, const VmOptions& options, FileDescriptor channel) {
    const auto& directory = options.directory;
    Inherited files;
    NACRE_ASSIGN(files.vmm, open_file(assets.vmm, O_PATH));
    NACRE_ASSIGN(files.kernel, open_file(assets.kernel, O_RDONLY));
    NACRE_ASSIGN(files.initramfs, open_file(assets.initramfs, O_RDONLY));
    NACRE_ASSIGN(files.vsock, listen_in(directory, vsock_socket_name, SOCK_STREAM));
    NACRE_ASSIGN(files.control, listen_in(directory, control_socket_name, SOCK_SEQPACKET));
    if (!options.outlives_relay) {
        NACRE_ASSIGN(files.lifeline, make_lifeline(directory));
    }
    NACRE_ASSIGN(files.console, open_log(directory, console_log_name));
    NACRE_ASSIGN(files.log, open_log(directory, vmm_log_name));
    files.channel = std::move(channel);
    return files;
}

/// The directory that is nacre-vmm's root, and what the guest shares of it: all or nothing.
struct JailRoot {
    FileDescriptor directory;
    FileDescriptor share;
};

std::string vmm_config(const VmOptions& options, const Inherited& files, const JailRoot& root) {
    rapidjson::StringBuffer text;
    rapidjson::Writer<rapidjson::StringBuffer> json(text);
    const auto member = [&](const char* name, int value) {
        json.Key(name);
        json.Int(value);
    };
    json.StartObject();
    json.Key("vcpus");
    json.Uint(options.vcpus);
    json.Key("max_vcpus");
    json.Uint(options.max_vcpus);
    json.Key("memory_bytes");
    json.Uint64(options.memory_bytes);
    json.Key("max_memory_bytes");
    json.Uint64(options.max_memory_bytes);
    member("kvm_fd", options.kvm_fd);
    member("kernel_fd", files.kernel.get());
    member("initramfs_fd", files.initramfs.get());
    member("jail_root_fd", root.directory.get());
    if (root.share)
        member("share_fd", root.share.get());
    member("vsock_listen_fd", files.vsock.get());
    member("control_listen_fd", files.control.get());
    if (files.lifeline)
        member("lifeline_fd", files.lifeline.get());
    json.Key("hotplug_slots");
    json.Uint(options.hotplug_slots);
    json.Key("disk_rings");
    json.Uint(options.disk_rings);
    json.Key("vsock_host_ports");
    json.StartArray();
    json.StartObject();
    json.Key("port");
    json.Uint(protocol::host_channel_port);
    member("fd", files.channel.get());
    json.EndObject();
    json.EndArray();
    member("console_fd", files.console.get());
    member("log_fd", files.log.get());
    if (options.stats_fd >= 0)
        member("stats_fd", options.stats_fd);
    json.EndObject();
    return text.GetString();
}

Result<FileDescriptor> config_file(const std::string& text) {
    FileDescriptor file(::memfd_create("nacre-vmm config", MFD_CLOEXEC));
    if (!file)
        return fail_errno("create memory file");
    NACRE_TRY(write_all(file.get(), text));
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        return fail_errno("rewind memory file");
    return file;
}

void inherit(int fd) {
    if (fd >= 0)
        ::fcntl(fd, F_SETFD, 0);
}

Result<JailRoot> make_jail_root(const VmOptions& options) {
    JailRoot root;
    NACRE_ASSIGN(root.directory, make_share(options.directory, options.mounts));
    if (options.serves_files) {
        NACRE_ASSIGN(root.share, root.directory.duplicate());
    }
    return root;
}

/// The child's side, in its new namespaces: builds the share and becomes nacre-vmm. Returns only on error.
Result<void> become_vmm(const VmOptions& options, const Inherited& files) {
    // The relay's session may have a terminal, whose hang-up is not the VMM's.
    ::setsid();
    NACRE_ASSIGN(const auto root, make_jail_root(options));
    NACRE_ASSIGN(const auto config, config_file(vmm_config(options, files, root)));
    // The container's stdio stays with the relay; a caller that waits for its end of file must not wait for
    // the VMM.
    NACRE_ASSIGN(const auto null, open_file("/dev/null", O_RDWR));
    for (const int target : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::dup2(null.get(), target) < 0)
            return fail_errno("redirect file descriptor {}", target);
    }
    for (const int fd :
         {options.kvm_fd, files.kernel.get(), files.initramfs.get(), files.vsock.get(), files.control.get(),
          files.lifeline.get(), files.channel.get(), files.console.get(), files.log.get(),
          root.directory.get(), root.share.get(), config.get(), options.stats_fd})
        inherit(fd);
    auto config_fd = std::to_string(config.get());
    char name[] = "nacre-vmm";
    char flag[] = "--config-fd";
    char* const arguments[] = {name, flag, config_fd.data(), nullptr};
    char* const environment[] = {nullptr};
    ::syscall(SYS_execveat, files.vmm.get(), "", arguments, environment, AT_EMPTY_PATH);
    return fail_errno("execute nacre-vmm");
}

struct Child {
    pid_t pid;
    FileDescriptor pidfd;
};

/// fork(2) into new namespaces, with a pidfd. The caller must be single-threaded.
Result<Child> fork_into_namespaces() {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (pid < 0)
        return fail_errno("create the VMM's process and namespaces");
    return Child{pid, FileDescriptor(pidfd)};
}

constexpr std::size_t max_line = 400;

/// The last line of `text` that holds `word`, from that word on; empty if there is none.
std::string last_line_with(const std::string& text, const std::string& word) {
    const auto start = text.rfind(word);
    if (start == std::string::npos)
        return {};
    // The guest wrote it.
    return printable(text.substr(start, text.find_first_of("\r\n", start) - start), max_line);
}

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of("\r\n");
    if (end == std::string::npos)
        return {};
    const auto start = text.find_last_of('\n', end);
    const auto begin = start == std::string::npos ? 0 : start + 1;
    return printable(text.substr(begin, end - begin + 1), max_line);
}

}  // namespace

Result<FileDescriptor> hold_lifeline(const std::string& vm_directory) {
    auto writer = open_file(vm_directory + "/" + lifeline_name, O_WRONLY | O_NONBLOCK);
    if (!writer && writer.error().code == ENOENT)
        return FileDescriptor();
    return writer;
}

std::string panic_in(const std::string& vm_directory) {
    const auto console = read_file(vm_directory + "/" + console_log_name, log_limit).value_or("");
    const auto log = read_file(vm_directory + "/" + vmm_log_name, log_limit).value_or("");
    const auto panic = last_line_with(log + console, "Kernel panic");
    return panic.empty() ? panic : "the guest kernel panicked: " + panic;
}

VirtualMachine::VirtualMachine(std::string directory, pid_t pid, FileDescriptor pidfd, FileDescriptor channel,
                               FileDescriptor lifeline)
    : directory_(std::move(directory)),
      pid_(pid),
      pidfd_(std::move(pidfd)),
      channel_(std::move(channel)),
      lifeline_(std::move(lifeline)) {}

VirtualMachine::VirtualMachine(VirtualMachine&& other) noexcept
    : directory_(std::move(other.directory_)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      channel_(std::move(other.channel_)),
      lifeline_(std::move(other.lifeline_)),
      reaped_(other.reaped_),
      outlasted_grace_(other.outlasted_grace_),
      wait_status_(other.wait_status_) {}

VirtualMachine::~VirtualMachine() {
    if (pid_ > 0)
        stop(0);
}

Result<FileDescriptor> open_kvm() {
    return open_file("/dev/kvm", O_RDWR);
}

Result<VirtualMachine> VirtualMachine::launch(const Assets& assets, const VmOptions& options) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return fail_errno("create socket pair");
    FileDescriptor own_end(ends[0]);
    NACRE_ASSIGN(auto files, open_inherited(assets, options, FileDescriptor(ends[1])));
    NACRE_ASSIGN(auto lifeline, hold_lifeline(options.directory));
    NACRE_ASSIGN(auto child, fork_into_namespaces());
    if (child.pid == 0) {
        const auto result = become_vmm(options, files);
        // The log is where the parent looks for the reason.
        [[maybe_unused]] const auto written =
            write_all(files.log.get(), "error: " + result.error().message + "\n");
        ::_exit(static_cast<int>(machine::ExitStatus::vmm_error));
    }
    return VirtualMachine(options.directory, child.pid, std::move(child.pidfd), std::move(own_end),
                          std::move(lifeline));
}

Result<void> VirtualMachine::wait_ready(int timeout_ms) {
    auto message = channel_.receive(timeout_ms);
    if (!message) {
        const bool gone = wait_for_end(pidfd_.get(), message.error().code == ENOTCONN ? 2000 : 0);
        const int status = stop(0);
        return fail("start the virtual machine: {}", gone ? describe_end(status) : message.error().message);
    }
    const auto* hello = std::get_if<protocol::Hello>(&*message);
    if (hello == nullptr)
        return fail("start the virtual machine: the guest agent's first message is not a hello");
    if (hello->version != protocol::version)
        return fail(
            "start the virtual machine: the agent image speaks protocol version {}, this nacre {}; install "
            "both from one build",
            hello->version, protocol::version);
    return {};
}

int VirtualMachine::stop(int grace_ms) {
    if (reaped_)
        return wait_status_;
    outlasted_grace_ = !wait_for_end(pidfd_.get(), grace_ms);
    if (outlasted_grace_)
        ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return wait_status_;
}

std::string VirtualMachine::describe_end(int wait_status) const {
    if (outlasted_grace_)
        return "the guest agent closed its connection, and the guest did not end; it was killed";
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
        return "the VMM made a system call that its jail forbids (SIGSYS); the host's kernel log has its "
               "number: report it";
    if (WIFSIGNALED(wait_status))
        return fmt::format("the VMM was killed by signal {}", WTERMSIG(wait_status));
    const auto log = read_file(directory_ + "/" + vmm_log_name, log_limit).value_or("");
    switch (static_cast<machine::ExitStatus>(WEXITSTATUS(wait_status))) {
        case machine::ExitStatus::power_off:
            return "the guest powered off";
        case machine::ExitStatus::reset: {
            const auto panic = panic_in(directory_);
            return panic.empty() ? "the guest reset itself" : panic;
        }
        case machine::ExitStatus::triple_fault:
            return "the guest CPU had a triple fault";
        default:
            return "the VMM failed: " +
                   (log.empty() ? fmt::format("exit status {}", WEXITSTATUS(wait_status)) : last_line(log));
    }
}

}  // namespace nacre::runtime
