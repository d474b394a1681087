#include "runtime/relay/inherited_descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace nacre::runtime {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<int> open_descriptors() {
    std::vector<int> descriptors;
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir("/proc/self/fd"));
    while (const auto* entry = directory ? ::readdir(directory.get()) : nullptr)
        descriptors.push_back(std::atoi(entry->d_name));
    return descriptors;
}

bool is_inherited(int fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    return fd > STDERR_FILENO && flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

}  // namespace

void close_inherited_descriptors() {
    for (const int fd : open_descriptors()) {
        if (is_inherited(fd))
            ::close(fd);
    }
}

}  // namespace nacre::runtime
