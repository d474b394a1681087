#include "runtime/state/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "runtime/state/container_id.h"
#include "runtime/state/remove_tree.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr auto state_file = "state.json";
constexpr std::size_t max_state_bytes = 4 * 1024 * 1024;
constexpr int lock_poll_ms = 5;

tl::unexpected<Error> does_not_exist() {
    return tl::unexpected(Error{"container does not exist", ENOENT});
}

/// mkdir -p, private to its owner.
Result<void> make_directories(const std::string& path) {
    for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        if (::mkdir(path.substr(0, slash).c_str(), 0711) < 0 && errno != EEXIST)
            return fail_errno("create state directory {}", path.substr(0, slash));
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
        return fail_errno("create state directory {}", path);
    return {};
}

void sleep_ms(int milliseconds) {
    const timespec duration{milliseconds / 1000, (milliseconds % 1000) * 1'000'000L};
    ::nanosleep(&duration, nullptr);
}

}  // namespace

ContainerDirectory::ContainerDirectory(std::string id, std::string path, FileDescriptor directory)
    : id_(std::move(id)), path_(std::move(path)), directory_(std::move(directory)) {}

Result<ContainerState> ContainerDirectory::read() const {
    const FileDescriptor file(::openat(directory_.get(), state_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT)
        return fail("container {} was not fully created: remove it with delete --force", id_);
    if (!file)
        return fail_errno("open {}/{}", path_, state_file);
    NACRE_ASSIGN(const auto text, read_to_end(file.get(), max_state_bytes));
    auto state = decode_state(text);
    if (state && state->id != id_)
        return fail("{}/{} is of another container: remove this one with delete --force", path_, state_file);
    if (!state)
        return fail("container {} has a damaged state file ({}/{}): remove it with delete --force", id_,
                    path_, state.error().message);
    return state;
}

Result<void> ContainerDirectory::write(const ContainerState& state) const {
    // One name a process: a writer that was killed leaves a file that remove() takes away.
    const auto temporary = fmt::format("{}.{}", state_file, ::getpid());
    const FileDescriptor file(::openat(directory_.get(), temporary.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file)
        return fail_errno("create {}/{}", path_, temporary);
    if (auto written = write_all(file.get(), encode_state(state)); !written) {
        ::unlinkat(directory_.get(), temporary.c_str(), 0);
        return add_context(std::move(written).error(), path_ + "/" + temporary);
    }
    if (::renameat(directory_.get(), temporary.c_str(), directory_.get(), state_file) < 0)
        return fail_errno("replace {}/{}", path_, state_file);
    return {};
}

Result<void> ContainerDirectory::lock(int timeout_ms) const {
    for (int waited = 0; ::flock(directory_.get(), LOCK_EX | LOCK_NB) < 0; waited += lock_poll_ms) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno("lock {}", path_);
        if (waited >= timeout_ms)
            return fail("container {} is busy: another operation holds its lock", id_);
        sleep_ms(lock_poll_ms);
    }
    struct stat status {};
    if (::fstat(directory_.get(), &status) < 0)
        return fail_errno("read {}", path_);
    if (status.st_nlink == 0)
        return does_not_exist();
    return {};
}

void ContainerDirectory::unlock() const {
    ::flock(directory_.get(), LOCK_UN);
}

Result<void> ContainerDirectory::remove() const {
    if (auto removed = remove_tree(AT_FDCWD, path_); !removed)
        return add_context(std::move(removed).error(), "remove state of container " + id_);
    return {};
}

Result<ContainerDirectory> Store::open_directory(std::string_view id) const {
    auto path = root_ + "/" + std::string(id);
    FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!directory && errno == ENOENT)
        return does_not_exist();
    if (!directory)
        return fail_errno("open {}", path);
    return ContainerDirectory(std::string(id), std::move(path), std::move(directory));
}

Result<ContainerDirectory> Store::create(std::string_view id) const {
    NACRE_TRY(check_container_id(id));
    NACRE_TRY(make_directories(root_));
    const auto path = root_ + "/" + std::string(id);
    if (::mkdir(path.c_str(), 0700) < 0)
        return errno == EEXIST ? fail("container with given ID already exists")
                               : fail_errno("create state directory {}", path);
    NACRE_ASSIGN(auto directory, open_directory(id));
    NACRE_TRY(directory.lock(0));
    return directory;
}

Result<ContainerDirectory> Store::open(std::string_view id) const {
    NACRE_TRY(check_container_id(id));
    return open_directory(id);
}

Result<std::vector<std::string>> Store::list() const {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(root_.c_str()), ::closedir);
    if (directory == nullptr)
        return fail_errno("open {}", root_);
    std::vector<std::string> ids;
    while (const auto* entry = ::readdir(directory.get()))
        if (check_container_id(entry->d_name) && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
            ids.emplace_back(entry->d_name);
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace nacre::runtime
