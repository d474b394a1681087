#include "runtime/vm/assets.h"

#include <sys/stat.h>

#include <cstdlib>

#include "vmm/base/executable.h"

namespace nacre::runtime {

namespace {

Result<std::string> choose(const char* variable, const std::string& installed, const char* what) {
    const char* override_path = std::getenv(variable);
    const std::string path = override_path != nullptr && *override_path != '\0' ? override_path : installed;
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0)
        return fail_errno("{} {} (set {} to use another)", what, path, variable);
    if (!S_ISREG(status.st_mode))
        return fail("{} {}: not a regular file (set {} to use another)", what, path, variable);
    return path;
}

}  // namespace

Result<Assets> find_assets() {
    NACRE_ASSIGN(const auto directory, executable_directory());
    NACRE_ASSIGN(auto kernel, choose("NACRE_KERNEL", directory + "/../share/nacre/vmlinux", "guest kernel"));
    NACRE_ASSIGN(auto initramfs,
                 choose("NACRE_INITRAMFS", directory + "/../share/nacre/initramfs.cpio", "agent image"));
    NACRE_ASSIGN(auto vmm, choose("NACRE_VMM", directory + "/nacre-vmm", "VMM"));
    return Assets{std::move(kernel), std::move(initramfs), std::move(vmm)};
}

}  // namespace nacre::runtime
