#include "guest-agent/container/copy_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <string>

#include "guest-agent/container/paths.h"

namespace nacre::agent {

namespace {

constexpr int max_depth = 128;

/// One entry of a directory that is copied.
struct Entry {
    int from;  // the directories
    int to;
    const char* name;
    struct stat status;
};

Result<FileDescriptor> open_entry(int directory, const char* name, int flags, mode_t mode = 0) {
    FileDescriptor fd(::openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd)
        return fail_errno("open {}", name);
    return fd;
}

Result<void> copy_file(const Entry& entry) {
    NACRE_ASSIGN(const auto source, open_entry(entry.from, entry.name, O_RDONLY));
    NACRE_ASSIGN(const auto target, open_entry(entry.to, entry.name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    for (;;) {
        constexpr std::size_t chunk = std::size_t{1} << 30;
        const auto count = ::sendfile(target.get(), source.get(), nullptr, chunk);
        if (count < 0)
            return fail_errno("copy {}", entry.name);
        if (count == 0)
            return {};
    }
}

Result<void> copy_link(const Entry& entry) {
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlinkat(entry.from, entry.name, target.data(), target.size() - 1);
    if (length < 0 || ::symlinkat(target.data(), entry.to, entry.name) < 0)
        return fail_errno("copy link {}", entry.name);
    return {};
}

Result<void> copy_directory(int from, int to, int depth);

Result<void> copy_content(const Entry& entry, int depth) {
    if (S_ISREG(entry.status.st_mode))
        return copy_file(entry);
    if (S_ISLNK(entry.status.st_mode))
        return copy_link(entry);
    if (!S_ISDIR(entry.status.st_mode)) {
        if (::mknodat(entry.to, entry.name, entry.status.st_mode, entry.status.st_rdev) < 0)
            return fail_errno("copy {}", entry.name);
        return {};
    }
    if (::mkdirat(entry.to, entry.name, 0700) < 0)
        return fail_errno("make directory {}", entry.name);
    NACRE_ASSIGN(const auto source, open_entry(entry.from, entry.name, O_PATH | O_DIRECTORY));
    NACRE_ASSIGN(const auto target, open_entry(entry.to, entry.name, O_PATH | O_DIRECTORY));
    return copy_directory(source.get(), target.get(), depth + 1);
}

Result<void> copy_entry(const Entry& entry, int depth) {
    NACRE_TRY(copy_content(entry, depth));
    if (::fchownat(entry.to, entry.name, entry.status.st_uid, entry.status.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno("set owner of {}", entry.name);
    if (!S_ISLNK(entry.status.st_mode) &&
        ::fchmodat(entry.to, entry.name, entry.status.st_mode & 07777, 0) < 0)
        return fail_errno("set mode of {}", entry.name);
    return {};
}

Result<void> copy_directory(int from, int to, int depth) {
    if (depth > max_depth)
        return fail_with(ELOOP, "copy directories nested deeper than {}", max_depth);
    NACRE_ASSIGN(auto source, open_entry(from, ".", O_RDONLY | O_DIRECTORY));
    const int source_fd = source.get();
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(source.release()), ::closedir);
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        Entry copy{source_fd, to, name.c_str(), {}};
        if (::fstatat(source_fd, copy.name, &copy.status, AT_SYMLINK_NOFOLLOW) < 0)
            return fail_errno("stat {}", name);
        if (!S_ISSOCK(copy.status.st_mode))
            NACRE_TRY(copy_entry(copy, depth));
    }
    return {};
}

}  // namespace

Result<void> copy_tree(int from, int to) {
    return copy_directory(from, to, 0);
}

}  // namespace nacre::agent
