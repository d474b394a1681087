#include "guest-agent/container/execution.h"

#include <linux/limits.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "guest-agent/container/credentials.h"
#include "guest-agent/container/executable.h"
#include "guest-agent/container/process_attributes.h"
#include "guest-agent/container/process_environment.h"
#include "guest-agent/container/rlimits.h"

namespace nacre::agent {

namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    for (const auto& text : strings)
        pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

/// A working directory outside the root (through a descriptor that leaked, say) reads "(unreachable)…"
/// (CVE-2024-21626).
Result<void> check_inside_root() {
    std::array<char, PATH_MAX> path{};
    if (::getcwd(path.data(), path.size()) == nullptr || path[0] != '/')
        return fail("current working directory is outside of container mount namespace root");
    return {};
}

}  // namespace

Result<void> Execution::enter_working_directory() const {
    if (::chdir(process_.cwd.c_str()) < 0)
        return fail_errno("chdir to cwd (\"{}\") set in config.json failed", process_.cwd);
    return check_inside_root();
}

Result<void> Execution::prepare() {
    environment_ = process_environment(process_);
    NACRE_TRY(set_rlimits(process_.rlimits));
    NACRE_TRY(set_scheduling(process_));
    NACRE_TRY(filter_.apply_as_root());
    // As root first: the user may not be allowed to search the way there. As the user if root is not (a file
    // system of another user's).
    const auto entered = enter_working_directory();
    NACRE_TRY(become_user(process_));
    if (!entered)
        NACRE_TRY(enter_working_directory());
    if (process_.args.empty())
        return fail_with(EINVAL, "args must not be empty");
    NACRE_ASSIGN(executable_, find_executable(process_.args[0], environment_));
    return {};
}

Error Execution::execute() {
    const auto arguments = pointers_to(process_.args);
    const auto environment = pointers_to(environment_);
    if (auto applied = filter_.apply_last(); !applied)
        return applied.error();
    ::execve(executable_.c_str(), arguments.data(), environment.data());
    const int code = errno;
    auto text = errno_text(code);
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return Error{fmt::format("exec {}: {}", executable_, text), code};
}

Result<void> take_passed_descriptors(SetupChild& channel, ChildPipes& pipes) {
    if (pipes.passed.empty())
        return {};
    NACRE_TRY(channel.move_above(STDERR_FILENO + 1 + static_cast<int>(pipes.passed.size())));
    return pipes.take_passed();
}

void finish_set_up(SetupChild& channel, Execution& execution) {
    if (!channel.wait_for_start())
        ::_exit(1);
    const auto error = execution.execute();
    channel.failed(error);
    ::_exit(failed_execution_status(error.code));
}

int failed_execution_status(int code) {
    return code == ENOENT ? 127 : 126;
}

}  // namespace nacre::agent
