#include "runtime/container/volume_users.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "runtime/container/share_plan.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr int lock_timeout_ms = 30'000;
constexpr int poll_ms = 20;

/// The names in a directory that nobody changes meanwhile; none if it cannot be read.
std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    while (const auto* entry = directory ? ::readdir(directory.get()) : nullptr) {
        if (const std::string name = entry->d_name; name != "." && name != "..")
            names.push_back(name);
    }
    return names;
}

Result<void> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
        return fail_errno("create {}", path);
    return {};
}

}  // namespace

Result<VolumeUsers> VolumeUsers::lock(const std::string& vm_directory) {
    const auto path = vm_directory + "/" + volumes_name;
    NACRE_TRY(make_directory(path));
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
    return !names_in(directory_ + "/" + volume).empty();
}

Result<void> VolumeUsers::add(const std::string& volume, const std::string& id) const {
    const auto path = directory_ + "/" + volume;
    NACRE_TRY(make_directory(path.substr(0, path.rfind('/'))));
    NACRE_TRY(make_directory(path));
    NACRE_TRY(open_file(path + "/" + id, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
    return {};
}

Result<std::vector<std::string>> VolumeUsers::remove(const std::string& id) const {
    std::vector<std::string> unused;
    const std::string volumes = volumes_name;
    for (const auto& key : names_in(directory_ + "/" + volumes)) {
        const auto of_key = volumes + "/" + key;
        for (const auto& name : names_in(directory_ + "/" + of_key)) {
            auto volume = of_key + "/" + name;
            const auto path = directory_ + "/" + volume;
            // The directory goes with its last user.
            if (::unlink((path + "/" + id).c_str()) == 0 && ::rmdir(path.c_str()) == 0)
                unused.push_back(std::move(volume));
        }
        ::rmdir((directory_ + "/" + of_key).c_str());
    }
    return unused;
}

}  // namespace nacre::runtime
