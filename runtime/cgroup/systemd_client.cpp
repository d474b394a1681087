#include "runtime/cgroup/systemd_client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "vmm/base/executable.h"
#include "vmm/base/file.h"
#include "vmm/base/pidfd.h"

namespace nacre::runtime {

namespace {

// Longer than what nacre-systemd waits for systemd.
constexpr int answer_timeout_ms = 40'000;
constexpr std::size_t message_limit = 64 * 1024;

Result<std::string> helper_path() {
    const char* override_path = std::getenv("NACRE_SYSTEMD");
    if (override_path != nullptr && *override_path != '\0')
        return std::string(override_path);
    NACRE_ASSIGN(const auto directory, executable_directory());
    return directory + "/nacre-systemd";
}

std::vector<std::string> words_of(const char* operation, const std::string& unit,
                                  const std::vector<UnitProperty>& properties) {
    std::vector<std::string> words{"nacre-systemd", operation, unit};
    for (const auto& property : properties) {
        words.push_back(property.name);
        words.push_back(property.signature);
        words.insert(words.end(), property.words.begin(), property.words.end());
    }
    return words;
}

[[noreturn]] void execute(const std::string& path, std::vector<std::string>& words, int error_output) {
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::dup2(error_output, STDERR_FILENO);
    ::execv(path.c_str(), arguments.data());
    ::dprintf(STDERR_FILENO, "run %s: %s", path.c_str(), errno_text(errno).c_str());
    ::_exit(127);
}

/// The child's exit status; -1 if it had to be killed.
int status_of(pid_t child) {
    const auto pidfd = open_pidfd(child);
    if (!pidfd || !wait_for_end(pidfd->get(), answer_timeout_ms))
        ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// What it has written, as one line.
std::string message_in(int file) {
    ::lseek(file, 0, SEEK_SET);
    auto text = read_to_end(file, message_limit).value_or("");
    while (text.ends_with('\n'))
        text.pop_back();
    std::ranges::replace(text, '\n', ' ');
    return text;
}

Result<void> run(const char* operation, const std::string& unit,
                 const std::vector<UnitProperty>& properties) {
    NACRE_ASSIGN(const auto path, helper_path());
    auto words = words_of(operation, unit, properties);
    const FileDescriptor errors(::memfd_create("nacre-systemd", MFD_CLOEXEC));
    if (!errors)
        return fail_errno("create memory file");
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno("fork nacre-systemd");
    if (child == 0)
        execute(path, words, errors.get());
    const int status = status_of(child);
    if (status == 0)
        return {};
    const auto message = message_in(errors.get());
    return fail("{} systemd unit {}: {}", operation, unit,
                !message.empty() ? message
                : status < 0     ? "no answer from systemd in time"
                                 : fmt::format("nacre-systemd ended with status {}", status));
}

}  // namespace

bool is_systemd_running() {
    struct stat status {};
    return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

Result<void> start_unit(const std::string& unit, const std::vector<UnitProperty>& properties) {
    return run("start", unit, properties);
}

Result<void> set_unit_properties(const std::string& unit, const std::vector<UnitProperty>& properties) {
    return run("set", unit, properties);
}

Result<void> stop_unit(const std::string& unit) {
    return run("stop", unit, {});
}

}  // namespace nacre::runtime
