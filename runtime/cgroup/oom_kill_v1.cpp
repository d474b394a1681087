#include "runtime/cgroup/oom_kill_v1.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "runtime/cgroup/cgroup_tree.h"
#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

namespace {

// Far beyond what a step takes: only a machine that hardly runs meets it.
constexpr int step_timeout_ms = 10'000;
constexpr int reclaim_timeout_ms = 2'000;
constexpr std::size_t file_limit = 64 * 1024;
constexpr std::size_t page = 4096;

/// What the victim has when it is killed: room for others that join the cgroup before its limit is restored.
constexpr std::size_t victim_bytes = 8U << 20;
/// What it asks for at most beyond the limit.
constexpr std::size_t demand_bytes = 64U << 20;

/// A setting of the cgroup, given back its value at the end.
class SavedSetting {
  public:
    explicit SavedSetting(std::string path)
        : path_(std::move(path)), value_(read_file(path_, file_limit).value_or("")) {}
    SavedSetting(const SavedSetting&) = delete;
    SavedSetting& operator=(const SavedSetting&) = delete;
    ~SavedSetting() {
        if (!value_.empty()) [[maybe_unused]]
            const auto result = write_cgroup_file(path_, value_);
    }

    Result<void> set(const std::string& value) const { return write_cgroup_file(path_, value); }

  private:
    std::string path_;
    std::string value_;
};

/// Takes the processes of a cgroup out of it until the end, but one.
class ParkedProcesses {
  public:
    static Result<std::unique_ptr<ParkedProcesses>> park(const std::string& directory,
                                                         const std::string& parking, pid_t stays) {
        if (::mkdir(parking.c_str(), 0755) != 0 && errno != EEXIST)
            return fail_errno("make the cgroup {}", parking);
        auto parked = std::unique_ptr<ParkedProcesses>(new ParkedProcesses(directory, parking));
        NACRE_TRY(move_all(directory, parking, stays));
        return parked;
    }
    ParkedProcesses(const ParkedProcesses&) = delete;
    ParkedProcesses& operator=(const ParkedProcesses&) = delete;
    ~ParkedProcesses() {
        [[maybe_unused]] const auto result = move_all(parking_, directory_, 0);
        ::rmdir(parking_.c_str());
    }

  private:
    ParkedProcesses(std::string directory, std::string parking)
        : directory_(std::move(directory)), parking_(std::move(parking)) {}

    static Result<void> move_all(const std::string& from, const std::string& to, pid_t stays) {
        Result<void> result;
        for (const pid_t pid : CgroupTree({from}).processes()) {
            auto moved = pid == stays ? Result<void>() : CgroupTree({to}).add_process(pid);
            // One that has ended is where it should be.
            if (!moved && moved.error().code != ESRCH)
                result = std::move(moved);
        }
        return result;
    }

    std::string directory_;
    std::string parking_;
};

/// Memory that is in use. Only what a forked child of a threaded process may call.
void occupy(std::size_t bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        ::_exit(1);
    ::madvise(memory, bytes, MADV_NOHUGEPAGE);
    for (std::size_t offset = 0; offset < bytes; offset += page)
        static_cast<volatile char*>(memory)[offset] = 1;
}

/// The first that the kernel kills where memory is short. Says when it has what it is to have, waits for an
/// answer, then asks for more than there is.
[[noreturn]] void be_victim(int socket) {
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || ::write(score, "1000", 4) != 4)
        ::_exit(1);
    occupy(victim_bytes);
    char byte = 0;
    if (::write(socket, &byte, 1) == 1 && ::read(socket, &byte, 1) == 1)
        occupy(demand_bytes);
    ::_exit(1);
}

/// A child process that ends at the latest with this object.
class Child {
  public:
    template <class Work>
    static Result<std::unique_ptr<Child>> fork(Work work) {
        const pid_t pid = ::fork();
        if (pid < 0)
            return fail_errno("fork a process for the OOM killer");
        if (pid == 0)
            work();
        return std::unique_ptr<Child>(new Child(pid));
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { wait(0); }

    pid_t pid() const { return pid_; }

    /// Its wait status; it is killed if it takes too long.
    int wait(int timeout_ms) {
        if (pid_ <= 0)
            return status_;
        const auto pidfd = open_pidfd(pid_);
        if (!pidfd || !wait_for_end(pidfd->get(), timeout_ms))
            ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, 0), &status_, 0);
        return status_;
    }

  private:
    explicit Child(pid_t pid) : pid_(pid) {}

    pid_t pid_;
    int status_ = 0;
};

/// Gives up the page cache of the cgroup, as far as that takes no longer than the time-out: while there is
/// some, the kernel takes that before it kills.
Result<void> drop_page_cache(const std::string& directory) {
    NACRE_ASSIGN(const auto file, open_file(directory + "/memory.force_empty", O_WRONLY));
    NACRE_ASSIGN(const auto child, Child::fork([fd = file.get()] {
                     [[maybe_unused]] const auto written = ::write(fd, "0", 1);
                     ::_exit(0);
                 }));
    child->wait(reclaim_timeout_ms);
    return {};
}

/// Lowers the limit to what is in use.
Result<void> leave_no_room(const std::string& directory, const SavedSetting& limit) {
    constexpr int attempts = 5;
    Result<void> result;
    for (int i = 0; i < attempts; ++i) {
        NACRE_ASSIGN(auto usage, read_file(directory + "/memory.usage_in_bytes", file_limit));
        if (usage.ends_with('\n'))
            usage.pop_back();
        result = limit.set(usage);
        if (result)
            break;
    }
    return result;
}

Result<void> wait_for_byte(int socket) {
    pollfd entry{socket, POLLIN, 0};
    char byte = 0;
    if (::poll(&entry, 1, step_timeout_ms) != 1 || ::read(socket, &byte, 1) != 1)
        return fail("count an OOM kill: there is no memory for it");
    return {};
}

std::uint64_t kills_in(const std::string& directory) {
    constexpr std::string_view name = "\noom_kill ";
    const auto text = read_file(directory + "/memory.oom_control", file_limit).value_or("");
    const auto found = text.find(name);
    std::uint64_t count = 0;
    if (found != std::string::npos)
        std::from_chars(text.data() + found + name.size(), text.data() + text.size(), count);
    return count;
}

}  // namespace

Result<void> raise_oom_kill_v1(const std::string& directory, const std::string& parking) {
    const auto before = kills_in(directory);
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        return fail_errno("create a socket pair");
    const FileDescriptor socket(ends[0]);
    FileDescriptor victims(ends[1]);
    NACRE_ASSIGN(const auto victim, Child::fork([&] { be_victim(victims.get()); }));
    victims.reset();
    NACRE_TRY(wait_for_byte(socket.get()));
    {
        NACRE_ASSIGN(const auto parked, ParkedProcesses::park(directory, parking, victim->pid()));
        const SavedSetting swappiness(directory + "/memory.swappiness");
        const SavedSetting limit(directory + "/memory.limit_in_bytes");
        // Swapping the VM's memory out would make room. Without swap there is no such file.
        [[maybe_unused]] const auto no_swap = swappiness.set("0");
        NACRE_TRY(drop_page_cache(directory));
        NACRE_TRY(leave_no_room(directory, limit));
        NACRE_TRY(write_all(socket.get(), "!"));
        victim->wait(step_timeout_ms);
    }
    if (kills_in(directory) == before)
        return fail("count an OOM kill: the kernel killed nothing in {}", directory);
    return {};
}

}  // namespace nacre::runtime
