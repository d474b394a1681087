#include "guest-agent/container/paths.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <deque>
#include <vector>

namespace nacre::agent {

namespace {

constexpr int max_symlinks = 40;  // as the kernel has it (MAXSYMLINKS)

FileDescriptor open_resolved(int directory, const std::string& path, int flags, std::uint64_t resolve) {
    struct open_how how {};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
    return FileDescriptor(
        static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

std::deque<std::string> components_of(std::string_view path) {
    std::deque<std::string> components;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        if (end > 0)
            components.emplace_back(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return components;
}

/// Walks a path component by component from a root, making what is missing. What was walked is kept as a list
/// of names without links and is looked up again from the root with no links allowed: a directory that is
/// exchanged for a link meanwhile is an error, not a way out.
class Walk {
  public:
    Walk(int root, std::string_view path) : root_(root), left_(components_of(path)) {}

    Result<FileDescriptor> make(PathKind kind);
    Result<ParentAndName> make_parent();

  private:
    std::string walked_path() const;
    FileDescriptor open_child(const std::string& name) const;
    Result<FileDescriptor> parent() const;
    Result<void> make_child(const std::string& name, PathKind kind) const;
    Result<void> follow(int link);
    Result<void> step(PathKind kind);
    void skip_dots();

    int root_;
    std::deque<std::string> left_;
    std::vector<std::string> walked_;
    int links_ = 0;
};

std::string Walk::walked_path() const {
    std::string path = ".";
    for (const auto& name : walked_)
        path += "/" + name;
    return path;
}

FileDescriptor Walk::open_child(const std::string& name) const {
    return open_resolved(root_, walked_path() + "/" + name, O_PATH | O_NOFOLLOW,
                         RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

Result<FileDescriptor> Walk::parent() const {
    auto directory = open_resolved(root_, walked_path(), O_PATH | O_DIRECTORY | O_NOFOLLOW,
                                   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (!directory)
        return fail_errno("open {}", walked_path());
    return directory;
}

Result<void> Walk::make_child(const std::string& name, PathKind kind) const {
    NACRE_ASSIGN(const auto directory, parent());
    if (kind == PathKind::directory) {
        if (::mkdirat(directory.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
            return fail_errno("make directory {}/{}", walked_path(), name);
        return {};
    }
    const FileDescriptor file(
        ::openat(directory.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file && errno != EEXIST)
        return fail_errno("make file {}/{}", walked_path(), name);
    return {};
}

Result<void> Walk::follow(int link) {
    std::array<char, PATH_MAX> target;
    const auto length = ::readlinkat(link, "", target.data(), target.size());
    if (length < 0)
        return fail_errno("read link");
    if (++links_ > max_symlinks)
        return fail_with(ELOOP, "follow links");
    const std::string_view text(target.data(), static_cast<std::size_t>(length));
    const auto components = components_of(text);
    left_.insert(left_.begin(), components.begin(), components.end());
    if (text.starts_with('/'))
        walked_.clear();
    return {};
}

/// "." and ".." at the front of what is left: with no links in what was walked, ".." is the name before.
void Walk::skip_dots() {
    while (!left_.empty() && (left_.front() == "." || left_.front() == "..")) {
        if (left_.front() == ".." && !walked_.empty())
            walked_.pop_back();
        left_.pop_front();
    }
}

/// Takes the next component: makes it as `kind` if it is missing, follows it if it is a link.
Result<void> Walk::step(PathKind kind) {
    const auto name = left_.front();
    auto child = open_child(name);
    if (!child && errno == ENOENT) {
        NACRE_TRY(make_child(name, kind));
        child = open_child(name);
    }
    if (!child)
        return fail_errno("open {}/{}", walked_path(), name);
    struct stat status {};
    if (::fstat(child.get(), &status) < 0)
        return fail_errno("stat {}/{}", walked_path(), name);
    left_.pop_front();
    if (S_ISLNK(status.st_mode))
        return follow(child.get());
    walked_.push_back(name);
    return {};
}

Result<FileDescriptor> Walk::make(PathKind kind) {
    for (skip_dots(); !left_.empty(); skip_dots())
        NACRE_TRY(step(left_.size() == 1 ? kind : PathKind::directory));
    auto found =
        open_resolved(root_, walked_path(), O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (!found)
        return fail_errno("open {}", walked_path());
    return found;
}

Result<ParentAndName> Walk::make_parent() {
    if (left_.empty() || left_.back() == "." || left_.back() == "..")
        return fail_with(EINVAL, "not the name of a file");
    auto name = std::move(left_.back());
    left_.pop_back();
    NACRE_ASSIGN(auto directory, make(PathKind::directory));
    return ParentAndName{std::move(directory), std::move(name)};
}

Result<void> refuse_null_bytes(const std::string& path) {
    if (path.find('\0') != std::string::npos)
        return fail_with(EINVAL, "path with a null byte");
    return {};
}

}  // namespace

Result<FileDescriptor> open_in_root(int root, const std::string& path, int flags) {
    NACRE_TRY(refuse_null_bytes(path));
    auto found = open_resolved(root, path, flags, RESOLVE_IN_ROOT);
    if (!found)
        return fail_errno("open {} in the container's root", path);
    return found;
}

Result<FileDescriptor> make_in_root(int root, const std::string& path, PathKind kind) {
    NACRE_TRY(refuse_null_bytes(path));
    auto found = open_resolved(root, path, O_PATH, RESOLVE_IN_ROOT);
    if (found)
        return found;
    if (errno != ENOENT)
        return fail_errno("open {} in the container's root", path);
    auto made = Walk(root, path).make(kind);
    if (!made)
        return add_context(std::move(made).error(), fmt::format("make {} in the container's root", path));
    return made;
}

Result<ParentAndName> make_parent_in_root(int root, const std::string& path) {
    NACRE_TRY(refuse_null_bytes(path));
    auto made = Walk(root, path).make_parent();
    if (!made)
        return add_context(std::move(made).error(), fmt::format("make {} in the container's root", path));
    return made;
}

bool is_share_path(std::string_view path) {
    if (path.empty() || path.find('\0') != std::string_view::npos)
        return false;
    for (;;) {
        const auto end = std::min(path.find('/'), path.size());
        const auto component = path.substr(0, end);
        if (component.empty() || component == "." || component == "..")
            return false;
        if (end == path.size())
            return true;
        path.remove_prefix(end + 1);
    }
}

Result<FileDescriptor> open_in_share(int share, const std::string& path) {
    if (!is_share_path(path))
        return fail_with(EINVAL, "\"{}\" is not a path below the share", path);
    constexpr std::uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    // A directory may be a mount of its own on the host: O_DIRECTORY makes the kernel mount it here too.
    auto found = open_resolved(share, path, O_PATH | O_DIRECTORY, resolve);
    if (!found && errno == ENOTDIR)
        found = open_resolved(share, path, O_PATH | O_NOFOLLOW, resolve);
    if (!found)
        return fail_errno("open {} in the share", path);
    return found;
}

std::string descriptor_path(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace nacre::agent
