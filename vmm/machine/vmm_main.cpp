#include "vmm/machine/vmm_main.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "vmm/base/file.h"
#include "vmm/jail/syscall_rules.h"
#include "vmm/machine/machine_builder.h"
#include "vmm/machine/stats.h"

namespace nacre::machine {
namespace {

constexpr std::size_t kMaxConfigBytes = 64 * 1024;
constexpr std::size_t kThreadStackBytes = 256 * 1024;
constexpr std::uint64_t kMaxLogBytes = 1024 * 1024;
constexpr rlim_t kMaxDescriptors = 1U << 20;
constexpr int kStandardOutput = 1;
constexpr int kStandardError = 2;

Result<int> parse_arguments(int argc, char** argv) {
    constexpr const char* kUsage =
        "usage: nacre-vmm --config-fd N (nacre starts it; not for use by hand), nacre-vmm --syscall-rules";
    if (argc != 3 || std::string_view(argv[1]) != "--config-fd")
        return fail("{}", kUsage);
    const std::string_view text = argv[2];
    int fd = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), fd);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || fd < 0)
        return fail("{}", kUsage);
    return fd;
}

Result<Config> read_config(int fd) {
    const FileDescriptor config(fd);
    auto text = read_to_end(config.get(), kMaxConfigBytes);
    if (!text)
        return add_context(text.error(), "reading the configuration");
    return parse_config(*text);
}

/// The guest's open files are descriptors of this process: as many as its caller may have, within reason.
void set_descriptor_limit() {
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return;
    descriptors.rlim_max = std::min(descriptors.rlim_max, kMaxDescriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
}

/// Threads of an unprivileged user are counted together for all VMs of the machine: what limits those of one
/// VM is its cgroup.
void lift_thread_limit() {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_NPROC, &unlimited);
}

/// Keeps the process small: one heap for all threads, small stacks. A socket closed by its peer is an error
/// where it is written to, not a signal.
void set_up_process() {
    set_descriptor_limit();
    lift_thread_limit();
    ::mallopt(M_ARENA_MAX, 1);
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
    ::signal(SIGPIPE, SIG_IGN);
}

Result<ExitStatus> run_vm(const Config& config, Log& log, Timeline& timeline) {
    NACRE_ASSIGN(const auto machine, MachineBuilder(config, log, timeline).build());
    NACRE_ASSIGN(const auto status, machine->run());
    if (const auto said = machine->serial_text(); !said.empty())
        log.write(LogLevel::error, "the guest's kernel, before it had a console: {}", said);
    if (config.stats_fd >= 0)
        NACRE_TRY(write_stats(config.stats_fd, timeline, machine->vcpus()));
    return status;
}

int report(const Error& error, int log_fd) {
    Log(log_fd, LogLevel::info, kMaxLogBytes).write(LogLevel::error, "nacre-vmm: {}", error.message);
    return static_cast<int>(ExitStatus::vmm_error);
}

}  // namespace

int vmm_main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--syscall-rules")
        return write_all(kStandardOutput, jail::syscall_rules_text()) ? 0 : 1;
    Timeline timeline;
    timeline.mark(Phase::process_start);
    set_up_process();
    const auto config_fd = parse_arguments(argc, argv);
    if (!config_fd)
        return report(config_fd.error(), kStandardError);
    const auto config = read_config(*config_fd);
    if (!config)
        return report(config.error(), kStandardError);
    timeline.mark(Phase::config_read);
    Log log(config->log_fd, LogLevel::info, kMaxLogBytes);
    const auto status = run_vm(*config, log, timeline);
    if (!status)
        return report(status.error(), config->log_fd);
    return static_cast<int>(*status);
}

}  // namespace nacre::machine
