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

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0)
        return fail_errno("make pipe");
    return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<void> take_one(const FileDescriptor& pipe, int number, uid_t owner) {
    if (::fchown(pipe.get(), owner, static_cast<gid_t>(-1)) < 0)
        return fail_errno("set owner of descriptor {}", number);
    if (::dup2(pipe.get(), number) < 0)
        return fail_errno("make descriptor {}", number);
    return {};
}

}  // namespace

Result<void> ChildPipes::take(uid_t owner) {
    if (!output)
        return {};
    NACRE_TRY(take_one(input, STDIN_FILENO, owner));
    NACRE_TRY(take_one(output, STDOUT_FILENO, owner));
    return take_one(error, STDERR_FILENO, owner);
}

Result<std::pair<ParentPipes, ChildPipes>> make_process_pipes() {
    NACRE_ASSIGN(auto input, make_pipe());
    NACRE_ASSIGN(auto output, make_pipe());
    NACRE_ASSIGN(auto error, make_pipe());
    // O_NONBLOCK belongs to one end of a pipe: the process's ends stay blocking.
    for (const auto* end : {&input.write_end, &output.read_end, &error.read_end})
        NACRE_TRY(set_nonblocking(end->get(), true));
    return std::pair(
        ParentPipes{std::move(input.write_end), std::move(output.read_end), std::move(error.read_end)},
        ChildPipes{std::move(input.read_end), std::move(output.write_end), std::move(error.write_end)});
}

}  // namespace nacre::agent
