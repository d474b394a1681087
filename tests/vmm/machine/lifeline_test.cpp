#include "vmm/machine/lifeline.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/machine/exit_status.h"

using namespace nacre;
using namespace nacre::machine;

namespace {

struct Ends {
    FileDescriptor reader;
    FileDescriptor writer;
};

Ends make_pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// A process that only waits for its lifeline, as a VMM would.
[[noreturn]] void wait_on(FileDescriptor reader) {
    Log log(STDERR_FILENO, LogLevel::error, 0);
    auto loop = EventLoop::create();
    const auto lifeline = Lifeline::watch(**loop, std::move(reader), log);
    (void)(*loop)->run();
    ::_exit(99);
}

}  // namespace

TEST_CASE("the process ends with the last one who holds its lifeline, not before") {
    auto ends = make_pipe();
    FileDescriptor second(::fcntl(ends.writer.get(), F_DUPFD_CLOEXEC, 0));
    const pid_t child = ::fork();
    if (child == 0) {
        ends.writer.reset();
        second.reset();
        wait_on(std::move(ends.reader));
    }
    ends.reader.reset();
    ends.writer.reset();
    ::usleep(50'000);
    int status = 0;
    CHECK(::waitpid(child, &status, WNOHANG) == 0);
    second.reset();
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == static_cast<int>(ExitStatus::abandoned));
}
