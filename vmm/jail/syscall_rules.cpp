#include "vmm/jail/syscall_rules.h"

// The header's helpers for old rings are C that is not C++.
#define VIRTIO_RING_NO_LEGACY

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>

#include "vmm/base/result.h"

namespace nacre::jail {

namespace {

constexpr std::uint32_t bit(ThreadKind kind) {
    return 1U << static_cast<unsigned>(kind);
}

constexpr std::uint32_t loop = bit(ThreadKind::event_loop);
constexpr std::uint32_t vcpu = bit(ThreadKind::vcpu) | loop;
constexpr std::uint32_t block = bit(ThreadKind::block) | loop;
constexpr std::uint32_t network = bit(ThreadKind::network) | loop;
constexpr std::uint32_t files = bit(ThreadKind::file_server);
constexpr std::uint32_t all = vcpu | block | network | files;

constexpr std::uint32_t whole = 0xffffffff;

// In C++ the header's own KVM_SET_CPUID2 and KVM_SET_MSRS have the wrong size: an empty structure in front of
// the flexible array counts.
constexpr std::uint64_t set_cpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, 2 * sizeof(std::uint32_t));
constexpr std::uint64_t set_msrs = _IOC(_IOC_WRITE, KVMIO, 0x89, 2 * sizeof(std::uint32_t));

/// pthread_create's, in libc 2.36.
constexpr std::uint32_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                       CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                       CLONE_CHILD_CLEARTID;

constexpr ArgumentCondition argument(unsigned number, std::uint64_t value) {
    return {number, whole, static_cast<std::uint32_t>(value)};
}

constexpr ArgumentCondition without(unsigned number, std::uint32_t bits) {
    return {number, bits, 0};
}

#define RULE(name, kinds, ...)                \
    SyscallRule {                             \
#name, SYS_##name, kinds, __VA_ARGS__ \
    }

constexpr std::array rules{
    // Every thread: libc, memory, waiting, the end.
    RULE(futex, all, "locks; waiting for a thread"),
    RULE(read, all, "eventfds"),
    RULE(write, all, "eventfds; the log"),
    RULE(close, all, "descriptors that are not needed any more"),
    RULE(mmap, all, "malloc and stacks; nothing executable", without(2, PROT_EXEC)),
    RULE(mprotect, all, "malloc's heap, the guard below a stack", without(2, PROT_EXEC)),
    RULE(munmap, all, "malloc and stacks", {}, false, true),
    RULE(madvise, all, "the stack of a thread that ends; the balloon", argument(2, MADV_DONTNEED)),
    RULE(brk, all, "malloc"),
    RULE(mremap, all, "malloc, of large blocks", {}, false, true),
    RULE(rt_sigprocmask, all, "pthread_create, pthread_exit"),
    RULE(rt_sigreturn, all, "the end of a signal's handler", {}, false, true),
    RULE(restart_syscall, all, "what was stopped and continued", {}, false, true),
    RULE(exit, all, "the end of a thread", {}, false, true),
    RULE(exit_group, all, "the end of the process", {}, false, true),
    RULE(clock_gettime, all, "where the vDSO has no clock to read", {}, false, true),
    RULE(gettid, all, "abort", {}, false, true),
    RULE(getpid, all, "pthread_kill, abort", {}, false, true),
    RULE(tgkill, all, "abort; kicks vCPUs out of the guest", {}, false, true),
    RULE(rt_sigaction, all, "abort", {}, false, true),
    RULE(sched_yield, all, "spinning for a moment", {}, false, true),

    // Running the guest.
    RULE(ioctl, vcpu, "the guest", argument(1, KVM_RUN)),

    // Waiting for events.
    RULE(epoll_wait, loop | block | network | files, "what there is to do"),
    RULE(epoll_ctl, all, "queues that come and go"),
    RULE(epoll_create1, loop, "an event loop for another thread"),
    RULE(eventfd2, loop, "a doorbell for another thread"),

    // Threads that are started later.
    RULE(clone3, loop | files, "its flags are in memory: libc takes clone then", {}, true),
    RULE(clone, loop | files, "a thread, and nothing but a thread", argument(0, thread_flags)),
    RULE(set_robust_list, loop | files, "libc's start of a thread"),
    RULE(rseq, loop | files, "libc's start of a thread"),
    RULE(sched_getaffinity, loop | files, "libc's start of a thread", {}, false, true),
    RULE(prctl, loop | files, "its name", argument(0, PR_SET_NAME)),
    RULE(prctl, loop | files, "its own filter", argument(0, PR_SET_SECCOMP)),
    RULE(capget, loop | files, "its capabilities"),
    RULE(capset, loop | files, "fewer of them"),

    // The event loop: vsock, console, rng, timers, requests of the runtime.
    RULE(accept4, loop, "connections to the VM's own listening sockets"),
    RULE(recvfrom, loop, "bytes of a connection"),
    RULE(recvmsg, loop, "a request with its descriptors"),
    RULE(sendmsg, loop, "bytes of a connection; an answer"),
    RULE(shutdown, loop, "a direction that the guest has closed alone", {}, false, true),
    RULE(timerfd_settime, loop, "when a connection has waited for too long"),
    RULE(getrandom, loop, "what virtio-rng gives"),
    RULE(pwrite64, loop, "what the guest's kernel says", {}, false, true),
    RULE(ftruncate, loop, "the console's log, when it is full", {}, false, true),
    RULE(getsockopt, loop, "who asks", {}, false, true),
    RULE(newfstatat, loop, "fstat: what kind of file a disk is, the size of a log",
         argument(3, AT_EMPTY_PATH)),
    RULE(statx, loop, "what a disk can do"),
    RULE(fcntl, loop, "flags of descriptors that were passed", argument(1, F_GETFL)),
    RULE(fcntl, loop, "flags of descriptors that were passed", argument(1, F_SETFL)),

    // The event loop: KVM, for what comes later and for its end.
    RULE(ioctl, loop, "a doorbell", argument(1, KVM_IOEVENTFD)),
    RULE(ioctl, loop, "an interrupt line", argument(1, KVM_IRQFD)),
    RULE(ioctl, loop, "memory that the guest is to have", argument(1, KVM_SET_USER_MEMORY_REGION)),
    RULE(ioctl, loop, "one vCPU more", argument(1, KVM_CREATE_VCPU)),
    RULE(ioctl, loop, "its CPUID", argument(1, set_cpuid2)),
    RULE(ioctl, loop, "its registers", argument(1, set_msrs)),
    RULE(ioctl, loop, "its registers", argument(1, KVM_SET_FPU)),
    RULE(ioctl, loop, "its registers", argument(1, KVM_GET_LAPIC)),
    RULE(ioctl, loop, "its registers", argument(1, KVM_SET_LAPIC)),
    RULE(ioctl, loop, "figures of the VM", argument(1, KVM_GET_STATS_FD), false, true),

    // Disks.
    RULE(ioctl, loop, "the size of a block device", argument(1, BLKGETSIZE64)),
    RULE(ioctl, loop, "its logical sectors", argument(1, BLKSSZGET)),
    RULE(ioctl, loop, "its physical sectors", argument(1, BLKPBSZGET)),
    RULE(ioctl, loop, "its best sizes", argument(1, BLKIOMIN)),
    RULE(ioctl, loop, "its best sizes", argument(1, BLKIOOPT)),
    RULE(io_uring_enter, block, "requests on a ring, which was made and restricted before"),
    RULE(preadv, block, "where there is no io_uring", {}, false, true),
    RULE(pwritev, block, "where there is no io_uring", {}, false, true),
    RULE(pwritev2, block, "a write through the cache, where there is no io_uring", {}, false, true),
    RULE(fdatasync, block, "flush, where there is no io_uring", {}, false, true),
    RULE(fallocate, block, "discard, where there is no io_uring", {}, false, true),
    RULE(ioctl, block, "discard on a block device", argument(1, BLKDISCARD), false, true),

    // Network interfaces.
    RULE(readv, network, "a frame of the tap"),
    RULE(writev, network, "a frame for the tap"),
    RULE(ioctl, loop, "what the tap is", argument(1, TUNGETIFF)),
    RULE(ioctl, loop, "what the tap is", argument(1, TUNGETVNETHDRSZ)),
    RULE(ioctl, network, "offloads that the guest has", argument(1, TUNSETOFFLOAD)),
    RULE(ioctl, network, "one queue of the tap on or off", argument(1, TUNSETQUEUE)),
    RULE(ioctl, loop, "vhost", argument(1, VHOST_SET_OWNER)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_GET_FEATURES)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_FEATURES)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_MEM_TABLE)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_NUM)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_ADDR)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_BASE)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_KICK)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_CALL)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_SET_VRING_ERR)),
    RULE(ioctl, network, "vhost", argument(1, VHOST_NET_SET_BACKEND)),

    // The file server: whom it acts for.
    RULE(unshare, files, "a umask of its own", argument(0, CLONE_FS)),
    RULE(fchdir, files, "to /proc/self/fd, from where it opens files anew"),
    RULE(prctl, files, "whether capabilities stay when the user changes", argument(0, PR_GET_SECUREBITS)),
    RULE(geteuid, files, "who it is"),
    RULE(getegid, files, "who it is"),
    RULE(setfsuid, files, "acting for a user"),
    RULE(setfsgid, files, "acting for a group"),
    RULE(umask, files, "of the request"),

    // The file server: what FUSE asks for.
    RULE(openat2, files, "names, beneath the share"),
    RULE(openat, files, "what it holds, opened for more than its path"),
    RULE(statx, files, "attributes"),
    RULE(fstatfs, files, "STATFS"),
    RULE(readlinkat, files, "READLINK"),
    RULE(getdents64, files, "READDIR"),
    RULE(lseek, files, "LSEEK, READDIR"),
    RULE(preadv, files, "READ"),
    RULE(pwritev, files, "WRITE"),
    RULE(pwritev2, files, "WRITE that appends"),
    RULE(copy_file_range, files, "COPY_FILE_RANGE"),
    RULE(fallocate, files, "FALLOCATE"),
    RULE(ftruncate, files, "SETATTR, size of an open file"),
    RULE(truncate, files, "SETATTR, size"),
    RULE(fchmodat, files, "SETATTR, mode"),
    RULE(fchownat, files, "SETATTR, owner"),
    RULE(utimensat, files, "SETATTR, times"),
    RULE(fsync, files, "FSYNC"),
    RULE(fdatasync, files, "FSYNC"),
    RULE(syncfs, files, "SYNCFS"),
    RULE(mkdirat, files, "MKDIR"),
    RULE(mknodat, files, "MKNOD"),
    RULE(symlinkat, files, "SYMLINK"),
    RULE(linkat, files, "LINK"),
    RULE(unlinkat, files, "UNLINK, RMDIR"),
    RULE(renameat, files, "RENAME without flags, in libc"),
    RULE(renameat2, files, "RENAME with flags"),
    RULE(getxattr, files, "GETXATTR"),
    RULE(setxattr, files, "SETXATTR"),
    RULE(listxattr, files, "LISTXATTR"),
    RULE(removexattr, files, "REMOVEXATTR"),
    RULE(fcntl, files, "flags of an open file", argument(1, F_SETFL), false, true),
};

#undef RULE

std::string condition_text(const SyscallRule& rule) {
    if (!rule.condition)
        return "-";
    const auto& condition = *rule.condition;
    return condition.mask == whole ? fmt::format("{}={:#x}", condition.argument, condition.value)
                                   : fmt::format("{}!{:#x}", condition.argument, condition.mask);
}

std::string kinds_text(const SyscallRule& rule) {
    std::string text;
    for (const auto kind : kThreadKinds)
        if (rule.holds_for(kind))
            text += (text.empty() ? "" : ",") + std::string(thread_kind_name(kind));
    return text;
}

}  // namespace

std::span<const SyscallRule> syscall_rules() {
    return rules;
}

std::string syscall_rules_text() {
    std::string text;
    for (const auto& rule : rules)
        text += fmt::format("{}\t{}\t{}\t{}\t{}\n", rule.name, condition_text(rule), kinds_text(rule),
                            rule.rare     ? "rare"
                            : rule.absent ? "absent"
                                          : "-",
                            rule.reason);
    return text;
}

}  // namespace nacre::jail
