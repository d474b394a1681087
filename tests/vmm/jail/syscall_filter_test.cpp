#include "vmm/jail/syscall_filter.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "vmm/jail/syscall_rules.h"

namespace nacre::jail {
namespace {

constexpr int kSurvived = 0;

/// Under the sanitizers _exit(2) makes system calls of its own first.
void end_process(int status) {
    ::syscall(SYS_exit_group, status);
}

/// How a process ends that does `body` under the filter; system calls are made without libc's help.
int end_of(ThreadKind kind, const std::function<void()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (!install_syscall_filter(kind))
            end_process(1);
        body();
        end_process(kSurvived);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

bool is_killed(ThreadKind kind, const std::function<void()>& body) {
    const int status = end_of(kind, body);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

bool survives(ThreadKind kind, const std::function<void()>& body) {
    const int status = end_of(kind, body);
    return WIFEXITED(status) && WEXITSTATUS(status) == kSurvived;
}

TEST_CASE("a thread may do what is its work") {
    for (const auto kind : kThreadKinds) {
        CAPTURE(thread_kind_name(kind));
        CHECK(survives(kind, [] {}));
        CHECK(survives(kind, [] { ::syscall(SYS_write, -1, nullptr, 0); }));
        CHECK(survives(kind, [] {
            ::syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        }));
    }
    CHECK(survives(ThreadKind::vcpu, [] { ::syscall(SYS_ioctl, -1, KVM_RUN, 0); }));
    CHECK(survives(ThreadKind::file_server, [] { ::syscall(SYS_openat2, -1, "x", nullptr, 0); }));
}

TEST_CASE("nobody starts a program, makes a socket, maps code, or looks into a process") {
    for (const auto kind : kThreadKinds) {
        CAPTURE(thread_kind_name(kind));
        CHECK(is_killed(kind, [] { ::syscall(SYS_execve, "/bin/true", nullptr, nullptr); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_execveat, -1, "/bin/true", nullptr, nullptr, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_fork); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_connect, -1, nullptr, 0); }));
        CHECK(is_killed(kind, [] {
            ::syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_mprotect, 0, 4096, PROT_WRITE | PROT_EXEC); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_ptrace, 0, 0, 0, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_mount, nullptr, "/", nullptr, 0, nullptr); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_setns, -1, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_kill, 1, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_bpf, 0, nullptr, 0); }));
        CHECK(is_killed(kind, [] { ::syscall(SYS_open, "/etc/passwd", O_RDONLY); }));
    }
}

TEST_CASE("only the file server opens files, and only vCPUs run the guest") {
    for (const auto kind : kThreadKinds) {
        CAPTURE(thread_kind_name(kind));
        const bool opens = kind == ThreadKind::file_server;
        CHECK(is_killed(kind, [] { ::syscall(SYS_openat, -1, "x", O_RDONLY); }) == !opens);
        CHECK(is_killed(kind, [] { ::syscall(SYS_unlinkat, -1, "x", 0); }) == !opens);
        // The event loop may what the threads may that it starts.
        const bool runs = kind == ThreadKind::vcpu || kind == ThreadKind::event_loop;
        CHECK(is_killed(kind, [] { ::syscall(SYS_ioctl, -1, KVM_RUN, 0); }) == !runs);
    }
    CHECK(is_killed(ThreadKind::vcpu, [] { ::syscall(SYS_ioctl, -1, KVM_SET_USER_MEMORY_REGION, 0); }));
    CHECK(is_killed(ThreadKind::file_server, [] { ::syscall(SYS_ioctl, -1, TIOCSTI, 0); }));
}

TEST_CASE("libc is told that there is no clone3, and takes clone") {
    CHECK(survives(ThreadKind::event_loop, [] {
        if (::syscall(SYS_clone3, nullptr, 0) == -1 && errno == ENOSYS)
            return;
        end_process(1);
    }));
}

TEST_CASE("system calls of the x32 ABI, which have other numbers, are not let through") {
    constexpr long x32_bit = 0x40000000;
    CHECK(is_killed(ThreadKind::event_loop, [] { ::syscall(x32_bit + SYS_write, -1, nullptr, 0); }));
}

TEST_CASE("the event loop may all that those may that it starts") {
    for (const auto& rule : syscall_rules()) {
        CAPTURE(rule.name);
        if ((rule.kinds & ~(1U << static_cast<unsigned>(ThreadKind::file_server))) != 0)
            CHECK(rule.holds_for(ThreadKind::event_loop));
    }
}

TEST_CASE("every rule has a reason, and no rule is there twice") {
    const auto rules = syscall_rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
        CAPTURE(rules[i].name);
        CHECK(!rules[i].reason.empty());
        CHECK(rules[i].kinds != 0);
        for (std::size_t j = i + 1; j < rules.size(); ++j) {
            if (rules[i].number != rules[j].number || (rules[i].kinds & rules[j].kinds) == 0)
                continue;
            REQUIRE(rules[i].condition);
            REQUIRE(rules[j].condition);
            CHECK(rules[i].condition->value != rules[j].condition->value);
        }
    }
}

}  // namespace
}  // namespace nacre::jail
