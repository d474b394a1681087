#include "runtime/relay/relay_reports.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr std::string_view failure_prefix = "failed ";

/// "<errno> <message>"
Error parse_failure(std::string_view text) {
    Error error;
    const auto space = std::min(text.find(' '), text.size());
    std::from_chars(text.data(), text.data() + space, error.code);
    error.message = text.substr(std::min(space + 1, text.size()));
    return error;
}

Result<std::string> read_line(int pipe) {
    std::string line;
    char character = 0;
    for (;;) {
        const auto count = ::read(pipe, &character, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return fail("the relay process ended before its process was created");
        if (character == '\n')
            return line;
        line.push_back(character);
    }
}

}  // namespace

Result<ReportPipe> make_report_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno("create pipe");
    return ReportPipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Result<void> report_line(int pipe, const std::string& line) {
    return write_all(pipe, line + "\n");
}

void report_failure(int pipe, const Error& error) {
    auto message = error.message;
    std::replace(message.begin(), message.end(), '\n', ' ');
    // Nobody is left to be told if this fails: the reader sees the pipe closed.
    (void)report_line(pipe, fmt::format("{}{} {}", failure_prefix, error.code, message));
}

Result<std::string> read_report(int pipe) {
    NACRE_ASSIGN(auto line, read_line(pipe));
    if (line.starts_with(failure_prefix))
        return tl::unexpected(parse_failure(std::string_view(line).substr(failure_prefix.size())));
    return line;
}

}  // namespace nacre::runtime
