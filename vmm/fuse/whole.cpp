#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

Outcome<> statfs(Call& call) {
    NACRE_ASSIGN(const auto descriptor, call.descriptor());
    struct statfs status;
    NACRE_TRY(check(fstatfs(descriptor->get(), &status)));
    fuse_statfs_out out{};
    out.st.blocks = status.f_blocks;
    out.st.bfree = status.f_bfree;
    out.st.bavail = status.f_bavail;
    out.st.files = status.f_files;
    out.st.ffree = status.f_ffree;
    out.st.bsize = static_cast<std::uint32_t>(status.f_bsize);
    out.st.namelen = static_cast<std::uint32_t>(status.f_namelen);
    out.st.frsize = static_cast<std::uint32_t>(status.f_frsize);
    return call.reply.append(out);
}

/// sync(2) in the guest: the file system that this directory is on, in whole.
Outcome<> syncfs(Call& call) {
    NACRE_ASSIGN(const auto inode, call.inode());
    if (!inode->is_directory())
        return refuse(ENOTDIR);
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    const FileDescriptor opened(openat(descriptor->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened)
        return refuse_errno();
    return check(::syncfs(opened.get()));
}

}  // namespace nacre::fuse::operations
