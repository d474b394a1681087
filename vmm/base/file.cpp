#include "vmm/base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nacre {

Result<FileDescriptor> open_file(const std::string& path, int flags, unsigned mode) {
    FileDescriptor fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd)
        return fail_errno("open {}", path);
    return fd;
}

Result<FileDescriptor> open_resolved(int directory, const std::string& path, int flags,
                                     std::uint64_t resolve) {
    struct open_how how {};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
    FileDescriptor fd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
    if (!fd)
        return fail_errno("open {}", path);
    return fd;
}

Result<void> write_all(int fd, std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto written = ::write(fd, data.data(), data.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno("write {} bytes", data.size());
        data = data.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_all(int fd, const std::string& text) {
    return write_all(fd, std::as_bytes(std::span(text)));
}

Result<void> read_exactly(int fd, std::span<std::byte> data) {
    while (!data.empty()) {
        const auto count = ::read(fd, data.data(), data.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno("read {} bytes", data.size());
        if (count == 0)
            return fail("read {} bytes: unexpected end of file", data.size());
        data = data.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::string> read_to_end(int fd, std::size_t limit) {
    std::string content;
    std::array<char, 16384> chunk;
    for (;;) {
        const auto count = ::read(fd, chunk.data(), chunk.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno("read");
        if (count == 0)
            return content;
        if (static_cast<std::size_t>(count) > limit - content.size())
            return fail("read: more than the {} bytes allowed", limit);
        content.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    NACRE_ASSIGN(const auto fd, open_file(path, O_RDONLY));
    auto content = read_to_end(fd.get(), limit);
    if (!content)
        return add_context(std::move(content).error(), path);
    return content;
}

}  // namespace nacre
