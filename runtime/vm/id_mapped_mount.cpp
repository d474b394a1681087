#include "runtime/vm/id_mapped_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

/// A process in a new user namespace, which ends when its object does, or the caller.
class NamespaceHolder {
  public:
    static Result<NamespaceHolder> start() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) < 0)
            return fail_errno("make pipe");
        FileDescriptor read_end(ends[0]);
        FileDescriptor write_end(ends[1]);
        // As fork(2): no stack of its own, no memory shared.
        const auto pid =
            static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0));
        if (pid < 0)
            return fail_errno("make user namespace");
        if (pid == 0) {
            char byte = 0;
            ::close(ends[1]);
            [[maybe_unused]] const auto end = ::read(ends[0], &byte, 1);
            ::_exit(0);
        }
        return NamespaceHolder(pid, std::move(write_end));
    }

    NamespaceHolder(NamespaceHolder&& other) noexcept : pid_(other.pid_), life_(std::move(other.life_)) {
        other.pid_ = -1;
    }
    NamespaceHolder(const NamespaceHolder&) = delete;
    NamespaceHolder& operator=(const NamespaceHolder&) = delete;
    NamespaceHolder& operator=(NamespaceHolder&&) = delete;
    ~NamespaceHolder() {
        life_ = FileDescriptor();
        if (pid_ > 0)
            ::waitpid(pid_, nullptr, 0);
    }

    std::string path(const char* file) const { return fmt::format("/proc/{}/{}", pid_, file); }

  private:
    NamespaceHolder(pid_t pid, FileDescriptor life) : pid_(pid), life_(std::move(life)) {}

    pid_t pid_;
    FileDescriptor life_;
};

/// The kernel takes a map in one write.
Result<void> write_map(const std::string& path, const std::vector<oci::IdMapping>& mappings) {
    std::string text;
    for (const auto& mapping : mappings)
        text += fmt::format("{} {} {}\n", mapping.container_id, mapping.host_id, mapping.size);
    NACRE_ASSIGN(const auto file, open_file(path, O_WRONLY));
    if (::write(file.get(), text.data(), text.size()) < 0)
        return fail_errno("write {}", path);
    return {};
}

Result<FileDescriptor> make_user_namespace(const MountIds& ids) {
    NACRE_ASSIGN(const auto holder, NamespaceHolder::start());
    NACRE_TRY(write_map(holder.path("uid_map"), ids.users));
    NACRE_TRY(write_map(holder.path("gid_map"), ids.groups));
    return open_file(holder.path("ns/user"), O_RDONLY);
}

}  // namespace

Result<void> map_ids(int tree, const MountIds& ids) {
    NACRE_ASSIGN(const auto user_namespace, make_user_namespace(ids));
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(user_namespace.get());
    const unsigned flags = AT_EMPTY_PATH | (ids.below ? AT_RECURSIVE : 0);
    if (::mount_setattr(tree, "", flags, &attributes, sizeof attributes) < 0)
        return fail_errno("map the ids of the mount (does its file system support it?)");
    return {};
}

}  // namespace nacre::runtime
