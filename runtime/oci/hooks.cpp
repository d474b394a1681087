#include "runtime/oci/hooks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::oci {

namespace {

constexpr std::size_t output_limit = 4096;

/// A file in memory: a hook may ignore its input or print without end, and neither may block us.
Result<FileDescriptor> memory_file(const std::string& content) {
    FileDescriptor file(::memfd_create("nacre hook", MFD_CLOEXEC));
    if (!file)
        return fail_errno("create memory file");
    NACRE_TRY(write_all(file.get(), content));
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        return fail_errno("rewind memory file");
    return file;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (const auto& string : strings)
        result.push_back(const_cast<char*>(string.c_str()));  // execve takes them so and changes nothing
    result.push_back(nullptr);
    return result;
}

[[noreturn]] void execute(const Hook& hook, const std::string& bundle, int input, int output,
                          const LastStep& last_step) {
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::chdir(bundle.c_str()) < 0 || ::dup2(input, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
        ::dup2(output, STDERR_FILENO) < 0)
        ::_exit(126);
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    const auto words = hook.args.empty() ? std::vector{hook.path} : hook.args;
    auto arguments = pointers(words);
    auto environment = pointers(hook.env);
    if (const auto taken = last_step ? last_step() : Result<void>(); !taken) {
        ::dprintf(STDERR_FILENO, "%s", taken.error().message.c_str());
        ::_exit(127);
    }
    ::execve(hook.path.c_str(), arguments.data(), environment.data());
    ::dprintf(STDERR_FILENO, "%s", errno_text(errno).c_str());
    ::_exit(127);
}

/// One line of what the hook printed last.
std::string output_of(int file) {
    const auto size = ::lseek(file, 0, SEEK_END);
    ::lseek(file, std::max<off_t>(0, size - static_cast<off_t>(output_limit)), SEEK_SET);
    auto text = read_to_end(file, 2 * output_limit).value_or("");
    std::ranges::replace(text, '\n', ' ');
    while (text.ends_with(' '))
        text.pop_back();
    return text.empty() ? text : ": " + text;
}

int limit_ms(const std::optional<std::int32_t>& timeout) {
    return timeout ? std::clamp(*timeout, 0, 2'000'000) * 1000 : -1;
}

Result<void> wait_for_hook(pid_t pid, const Hook& hook, int output) {
    const auto pidfd = open_pidfd(pid);
    const bool in_time = pidfd && wait_for_end(pidfd->get(), limit_ms(hook.timeout));
    if (!in_time)
        ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time)
        return fail("{}: did not end within its timeout of {} s", hook.path, hook.timeout.value_or(0));
    if (WIFSIGNALED(status))
        return fail("{}: killed by signal {}{}", hook.path, WTERMSIG(status), output_of(output));
    if (WEXITSTATUS(status) != 0)
        return fail("{}: exit status {}{}", hook.path, WEXITSTATUS(status), output_of(output));
    return {};
}

Result<void> run_hook(const Hook& hook, const std::string& state, const std::string& bundle,
                      const LastStep& last_step) {
    NACRE_ASSIGN(const auto input, memory_file(state));
    NACRE_ASSIGN(const auto output, memory_file(""));
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno("fork");
    if (pid == 0)
        execute(hook, bundle, input.get(), output.get(), last_step);
    ::setpgid(pid, pid);  // also here: the group must exist before it is killed
    return wait_for_hook(pid, hook, output.get());
}

}  // namespace

Result<void> run_hooks(const std::vector<Hook>& hooks, const std::string& name, const std::string& state,
                       const std::string& bundle, const LastStep& last_step) {
    for (std::size_t i = 0; i < hooks.size(); ++i) {
        auto result = run_hook(hooks[i], state, bundle, last_step);
        if (!result)
            return add_context(std::move(result).error(), fmt::format("error running {} hook #{}", name, i));
    }
    return {};
}

std::vector<Hook> with_environment(std::vector<Hook> hooks, const std::vector<std::string>& environment) {
    for (auto& hook : hooks) {
        if (hook.env.empty())
            hook.env = environment;
    }
    return hooks;
}

}  // namespace nacre::oci
