#include "runtime/state/process_identity.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace nacre::runtime {

namespace {

struct StatFields {
    char state = 'X';
    std::uint64_t start_time = 0;
};

/// The fields after the command name, which is in parentheses and may itself hold any character.
Result<StatFields> parse_stat(std::string_view text, pid_t pid) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= text.size())
        return fail("read /proc/{}/stat: unexpected content", pid);
    text.remove_prefix(name_end + 2);
    StatFields fields{text[0], 0};
    constexpr int fields_between = 19;  // from field 3, the state, to field 22
    for (int i = 0; i < fields_between; ++i)
        text.remove_prefix(std::min(text.size(), text.find(' ') + 1));
    const auto result = std::from_chars(text.data(), text.data() + text.size(), fields.start_time);
    if (result.ec != std::errc())
        return fail("read /proc/{}/stat: unexpected content", pid);
    return fields;
}

Result<StatFields> read_stat(pid_t pid) {
    const auto path = fmt::format("/proc/{}/stat", pid);
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        return errno == ENOENT ? fail_with(ESRCH, "process {}", pid) : fail_errno("open {}", path);
    std::array<char, 1024> buffer;
    const auto size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0)
        return fail_errno("read {}", path);
    return parse_stat({buffer.data(), static_cast<std::size_t>(size)}, pid);
}

}  // namespace

Result<ProcessIdentity> identify_process(pid_t pid) {
    NACRE_ASSIGN(const auto fields, read_stat(pid));
    return ProcessIdentity{pid, fields.start_time};
}

bool is_alive(const ProcessIdentity& process) {
    if (process.pid <= 0)
        return false;
    const auto fields = read_stat(process.pid);
    return fields && fields->start_time == process.start_time && fields->state != 'Z' && fields->state != 'X';
}

Result<FileDescriptor> open_process(const ProcessIdentity& process) {
    if (process.pid <= 0)
        return fail_with(ESRCH, "process {}", process.pid);
    FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
    if (!pidfd)
        return fail_errno("process {}", process.pid);
    // The pidfd now pins whatever process it got; only then is it safe to ask which one that is.
    NACRE_ASSIGN(const auto fields, read_stat(process.pid));
    if (fields.start_time != process.start_time)
        return fail_with(ESRCH, "process {}", process.pid);
    return pidfd;
}

}  // namespace nacre::runtime
