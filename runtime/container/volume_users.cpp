#include "runtime/container/volume_users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/container/share_plan.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

namespace fs = std::filesystem;

constexpr int lock_timeout_ms = 30'000;
constexpr int poll_ms = 20;

/// The entries of a directory that nobody changes meanwhile; none if it cannot be read.
std::vector<fs::path> entries_of(const fs::path& directory) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
        entries.push_back(entry->path());
    return entries;
}

}  // namespace

Result<VolumeUsers> VolumeUsers::lock(const std::string& vm_directory) {
    const auto path = vm_directory + "/" + volumes_name;
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
        return fail_errno("create {}", path);
    NACRE_ASSIGN(auto directory, open_file(path, O_RDONLY | O_DIRECTORY));
    for (int waited = 0; ::flock(directory.get(), LOCK_EX | LOCK_NB) < 0; waited += poll_ms) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno("lock {}", path);
        if (waited >= lock_timeout_ms)
            return fail("lock {}: another container of the pod is being made or deleted", path);
        ::usleep(poll_ms * 1000);
    }
    return VolumeUsers(vm_directory, std::move(directory));
}

bool VolumeUsers::has_any(const std::string& volume) const {
    return !entries_of(directory_ + "/" + volume).empty();
}

Result<void> VolumeUsers::add(const std::string& volume, const std::string& id) const {
    const auto path = directory_ + "/" + volume;
    std::error_code error;
    fs::create_directories(path, error);
    if (error)
        return fail_with(error.value(), "create {}", path);
    NACRE_TRY(open_file(path + "/" + id, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
    return {};
}

Result<std::vector<std::string>> VolumeUsers::remove(const std::string& id) const {
    std::vector<std::string> unused;
    for (const auto& key : entries_of(directory_ + "/" + volumes_name)) {
        for (const auto& volume : entries_of(key)) {
            std::error_code error;
            if (!fs::remove(volume / id, error) || !entries_of(volume).empty())
                continue;
            fs::remove(volume, error);
            unused.push_back(volume.lexically_relative(directory_));
        }
        std::error_code in_use;
        fs::remove(key, in_use);
    }
    return unused;
}

}  // namespace nacre::runtime
