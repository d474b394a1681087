#include "runtime/cgroup/oom_kill.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

namespace {

// Far beyond what it takes: only a machine that hardly runs meets it.
constexpr int wait_ms = 10'000;

/// A cgroup without memory, for as long as this exists.
class StarvedCgroup {
  public:
    static Result<StarvedCgroup> create(const std::string& directory) {
        StarvedCgroup cgroup(directory);
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
            return fail_errno("make the cgroup {}", directory);
        NACRE_ASSIGN(const auto limit, open_file(directory + "/memory.max", O_WRONLY));
        if (::write(limit.get(), "0", 1) < 0)
            return fail_errno("limit the memory of {}", directory);
        NACRE_ASSIGN(cgroup.processes_, open_file(directory + "/cgroup.procs", O_WRONLY));
        return cgroup;
    }
    StarvedCgroup(StarvedCgroup&& other) noexcept = default;
    StarvedCgroup& operator=(StarvedCgroup&&) = delete;
    ~StarvedCgroup() {
        if (processes_)
            ::rmdir(directory_.c_str());
    }

    /// Open for writing.
    int processes() const { return processes_.get(); }

  private:
    explicit StarvedCgroup(std::string directory) : directory_(std::move(directory)) {}

    std::string directory_;
    FileDescriptor processes_;
};

/// Enters the cgroup and has the kernel allocate memory on its account (pipes, which an application cannot
/// have without) until it is killed.
int starve(void* processes) {
    if (::write(*static_cast<int*>(processes), "0", 1) != 1)
        return 1;
    std::array<int, 2> pipe{};
    for (int i = 0; i < 256 && ::pipe(pipe.data()) == 0; ++i) {
    }
    return 1;
}

/// The kernel counts an OOM kill in the cgroup of the process that owns the victim's memory. So the memory's
/// owner stays in the container's cgroup, and a second process with the same memory enters the one in which
/// there is none.
[[noreturn]] void share_memory_with_victim(int processes) {
    ::setpgid(0, 0);
    alignas(16) std::array<std::byte, 16'384> stack;
    const pid_t victim = ::clone(starve, stack.data() + stack.size(), CLONE_VM | SIGCHLD, &processes);
    if (victim > 0)
        ::waitpid(victim, nullptr, 0);
    ::_exit(1);
}

/// Waits for `child` and its victim, which the kernel kills together. False if it did not.
bool reap(pid_t child) {
    const auto pidfd = open_pidfd(child);
    const bool in_time = pidfd && wait_for_end(pidfd->get(), wait_ms);
    if (!in_time)
        ::kill(-child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    while (::waitpid(-child, nullptr, 0) > 0) {
    }
    return in_time && WIFSIGNALED(status);
}

}  // namespace

Result<void> raise_oom_kill(const std::string& starved_directory) {
    NACRE_ASSIGN(const auto starved, StarvedCgroup::create(starved_directory));
    // The victim's parent dies first or last: it must not become somebody else's child.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno("fork a process for the OOM killer");
    if (child == 0)
        share_memory_with_victim(starved.processes());
    const bool killed = reap(child);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (!killed)
        return fail("count an OOM kill: the kernel killed nothing in {}", starved_directory);
    return {};
}

}  // namespace nacre::runtime
