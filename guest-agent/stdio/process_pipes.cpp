#include "guest-agent/stdio/process_pipes.h"

#include <fcntl.h>
#include <sys/socket.h>
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

struct Ends {
    FileDescriptor parent;
    FileDescriptor child;
};

/// O_NONBLOCK belongs to one end of a pipe: the process's stays blocking.
Result<Ends> make_input(uid_t owner) {
    NACRE_ASSIGN(auto pipe, make_pipe(owner));
    NACRE_TRY(set_nonblocking(pipe.write_end.get(), true));
    return Ends{std::move(pipe.write_end), std::move(pipe.read_end)};
}

Result<Ends> make_output(uid_t owner) {
    NACRE_ASSIGN(auto pipe, make_pipe(owner));
    NACRE_TRY(set_nonblocking(pipe.read_end.get(), true));
    return Ends{std::move(pipe.read_end), std::move(pipe.write_end)};
}

Result<Ends> make_socket() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0)
        return fail_errno("make socket pair");
    Ends made{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    NACRE_TRY(set_nonblocking(made.parent.get(), true));
    return made;
}

Result<FileDescriptor> add_one(std::uint32_t number, const protocol::PassedDescriptor& descriptor,
                               uid_t owner, ParentPipes& parent) {
    if (descriptor.readable && descriptor.writable) {
        NACRE_ASSIGN(auto socket, make_socket());
        NACRE_ASSIGN(parent.outputs[number], socket.parent.duplicate());
        parent.inputs[number] = std::move(socket.parent);
        return std::move(socket.child);
    }
    NACRE_ASSIGN(auto ends, descriptor.readable ? make_input(owner) : make_output(owner));
    (descriptor.readable ? parent.inputs : parent.outputs)[number] = std::move(ends.parent);
    return std::move(ends.child);
}

}  // namespace

std::vector<int> ChildPipes::descriptors() const {
    std::vector<int> all;
    for (const auto* kind : {&standard, &passed}) {
        for (const auto& descriptor : *kind)
            all.push_back(descriptor.get());
    }
    return all;
}

Result<void> ChildPipes::take_standard() {
    for (int number = 0; const auto& end : standard) {
        if (::dup2(end.get(), number) < 0)
            return fail_errno("make descriptor {}", number);
        ++number;
    }
    return {};
}

Result<void> ChildPipes::take_passed() {
    constexpr int first = STDERR_FILENO + 1;
    // Out of each other's way first.
    for (auto& end : passed) {
        end.reset(::fcntl(end.get(), F_DUPFD_CLOEXEC, first + static_cast<int>(passed.size())));
        if (!end)
            return fail_errno("duplicate a passed descriptor");
    }
    for (int number = first; const auto& end : passed) {
        if (::dup2(end.get(), number) < 0)
            return fail_errno("make descriptor {}", number);
        ++number;
    }
    return {};
}

Result<void> add_standard_pipes(uid_t owner, ParentPipes& parent, ChildPipes& child) {
    for (std::uint32_t number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
        const bool input = number == STDIN_FILENO;
        NACRE_ASSIGN(child.standard.emplace_back(), add_one(number, {input, !input}, owner, parent));
    }
    return {};
}

Result<void> add_passed(const std::vector<protocol::PassedDescriptor>& descriptors, uid_t owner,
                        ParentPipes& parent, ChildPipes& child) {
    for (std::uint32_t number = STDERR_FILENO + 1; const auto& descriptor : descriptors) {
        NACRE_ASSIGN(child.passed.emplace_back(), add_one(number, descriptor, owner, parent));
        ++number;
    }
    return {};
}

}  // namespace nacre::agent
