#include "guest-agent/stdio/process_pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace nacre::agent {

namespace {

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Result<Pipe> make_pipe(uid_t owner) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0)
        return fail_errno("make pipe");
    Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    // One inode: both ends change their owner.
    if (owner != ::geteuid() && ::fchown(pipe.read_end.get(), owner, static_cast<gid_t>(-1)) < 0)
        return fail_errno("set owner of pipe");
    return pipe;
}

Result<void> take_one(const FileDescriptor& pipe, int number) {
    if (::dup2(pipe.get(), number) < 0)
        return fail_errno("make descriptor {}", number);
    return {};
}

}  // namespace

Result<void> ChildPipes::take() {
    if (!output)
        return {};
    NACRE_TRY(take_one(input, STDIN_FILENO));
    NACRE_TRY(take_one(output, STDOUT_FILENO));
    return take_one(error, STDERR_FILENO);
}

Result<std::pair<ParentPipes, ChildPipes>> make_process_pipes(uid_t owner) {
    NACRE_ASSIGN(auto input, make_pipe(owner));
    NACRE_ASSIGN(auto output, make_pipe(owner));
    NACRE_ASSIGN(auto error, make_pipe(owner));
    // O_NONBLOCK belongs to one end of a pipe: the process's ends stay blocking.
    for (const auto* end : {&input.write_end, &output.read_end, &error.read_end})
        NACRE_TRY(set_nonblocking(end->get(), true));
    return std::pair(
        ParentPipes{std::move(input.write_end), std::move(output.read_end), std::move(error.read_end)},
        ChildPipes{std::move(input.read_end), std::move(output.write_end), std::move(error.write_end)});
}

}  // namespace nacre::agent
