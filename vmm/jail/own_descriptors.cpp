#include "vmm/jail/own_descriptors.h"

#include <fcntl.h>

#include "vmm/base/mount_calls.h"

namespace nacre::jail {

Result<FileDescriptor> open_own_descriptors() {
    NACRE_ASSIGN(const auto processes, make_process_mount());
    FileDescriptor directory(::openat(processes.get(), "self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return fail_errno("open self/fd of a procfs");
    return directory;
}

}  // namespace nacre::jail
