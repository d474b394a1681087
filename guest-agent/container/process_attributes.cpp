#include "guest-agent/container/process_attributes.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "runtime/oci/cpu_list.h"
#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

/// struct sched_attr of linux/sched/types.h, which cannot be included beside the C library's sched.h.
struct SchedulerAttributes {
    std::uint32_t size = sizeof(SchedulerAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

// linux/ioprio.h, whose inline functions are not C++.
constexpr int io_priority_of_process = 1;
constexpr std::uint32_t io_class_shift = 13;

template <class List>
std::optional<std::uint32_t> find(const List& list, std::string_view name) {
    for (const auto& [text, number] : list) {
        if (text == name)
            return static_cast<std::uint32_t>(number);
    }
    return std::nullopt;
}

using Names = std::pair<std::string_view, std::uint32_t>;

constexpr std::array policies{
    Names{"SCHED_OTHER", SCHED_NORMAL},     Names{"SCHED_FIFO", SCHED_FIFO}, Names{"SCHED_RR", SCHED_RR},
    Names{"SCHED_BATCH", SCHED_BATCH},      Names{"SCHED_ISO", 4},           Names{"SCHED_IDLE", SCHED_IDLE},
    Names{"SCHED_DEADLINE", SCHED_DEADLINE}};

constexpr std::array policy_flags{Names{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
                                  Names{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
                                  Names{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
                                  Names{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
                                  Names{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
                                  Names{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
                                  Names{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}};

constexpr std::array io_classes{Names{"IOPRIO_CLASS_RT", 1}, Names{"IOPRIO_CLASS_BE", 2},
                                Names{"IOPRIO_CLASS_IDLE", 3}};

Result<void> set_scheduler(const oci::Scheduler& scheduler) {
    const auto policy = find(policies, scheduler.policy);
    if (!policy)
        return fail_with(EINVAL, "scheduler policy {}", scheduler.policy);
    SchedulerAttributes attributes;
    attributes.policy = *policy;
    attributes.nice = scheduler.nice;
    attributes.priority = static_cast<std::uint32_t>(scheduler.priority);
    attributes.runtime = scheduler.runtime;
    attributes.deadline = scheduler.deadline;
    attributes.period = scheduler.period;
    for (const auto& name : scheduler.flags) {
        const auto flag = find(policy_flags, name);
        if (!flag)
            return fail_with(EINVAL, "scheduler flag {}", name);
        attributes.flags |= *flag;
    }
    if (::syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
        return fail_errno("set scheduler {}", scheduler.policy);
    return {};
}

Result<void> set_io_priority(const oci::IoPriority& priority) {
    const auto io_class = find(io_classes, priority.io_class);
    if (!io_class)
        return fail_with(EINVAL, "I/O priority class {}", priority.io_class);
    const auto value = *io_class << io_class_shift | static_cast<std::uint32_t>(priority.priority);
    if (::syscall(SYS_ioprio_set, io_priority_of_process, 0, value) < 0)
        return fail_errno("set I/O priority {}", priority.io_class);
    return {};
}

Result<void> write_oom_score_adj(const std::string& path, int score) {
    NACRE_ASSIGN(const auto file, open_file(path, O_WRONLY));
    auto written = write_all(file.get(), std::to_string(score));
    if (!written)
        return add_context(std::move(written).error(), "set oom_score_adj");
    return {};
}

void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal)
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Result<void> reset_inherited_attributes(const oci::Process& process) {
    reset_signals();
    ::umask(0);
    return write_oom_score_adj("/proc/self/oom_score_adj", process.oom_score_adj.value_or(0));
}

Result<void> set_oom_score_adj(pid_t pid, int score) {
    return write_oom_score_adj(fmt::format("/proc/{}/oom_score_adj", pid), score);
}

Result<void> set_scheduling(const oci::Process& process) {
    if (process.scheduler)
        NACRE_TRY(set_scheduler(*process.scheduler));
    if (process.io_priority)
        NACRE_TRY(set_io_priority(*process.io_priority));
    return {};
}

Result<void> set_cpu_affinity(const std::string& list) {
    if (list.empty())
        return {};
    NACRE_ASSIGN(const auto cpus, oci::parse_cpu_list(list));
    constexpr std::size_t word_bits = 64;
    std::array<std::uint64_t, 1024 / word_bits> mask{};
    for (const auto cpu : cpus)
        mask.at(cpu / word_bits) |= std::uint64_t{1} << cpu % word_bits;
    if (::syscall(SYS_sched_setaffinity, 0, sizeof mask, mask.data()) < 0)
        return fail_errno("set CPU affinity {}: this virtual machine has none of these", list);
    return {};
}

Result<void> set_personality(const oci::Personality& personality) {
    const bool linux32 = personality.domain == "LINUX32";
    if (!linux32 && personality.domain != "LINUX")
        return fail_with(EINVAL, "personality {}", personality.domain);
    if (::personality(linux32 ? PER_LINUX32 : PER_LINUX) < 0)
        return fail_errno("set personality {}", personality.domain);
    return {};
}

Result<void> join_new_keyring(const std::string& container_id) {
    const auto name = "_ses." + container_id;
    if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) < 0 && errno != ENOSYS)
        return fail_errno("join session keyring {}", name);
    return {};
}

}  // namespace nacre::agent
