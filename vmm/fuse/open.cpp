#include "vmm/fuse/open_flags.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

/// The guest keeps what it has cached of the file: it asks for the attributes when they have run out, and
/// drops its pages when size or modification time are not what they were (FUSE_AUTO_INVAL_DATA).
Outcome<> open(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_open_in>());
    NACRE_ASSIGN(const auto inode, call.inode());
    if (!inode->is_regular())
        return refuse(inode->is_directory() ? EISDIR : ENXIO);
    const int flags = host_open_flags(in.flags);
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    if ((flags & O_TRUNC) != 0)
        call.credentials.clear_setid_bits((in.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0);
    NACRE_ASSIGN(auto opened, call.file_system.open_again(descriptor->get(), flags));
    fuse_open_out out{};
    NACRE_ASSIGN(out.fh,
                 call.file_system.files().insert(std::make_shared<OpenFile>(OpenFile{std::move(opened)})));
    out.open_flags = FOPEN_KEEP_CACHE | FOPEN_PARALLEL_DIRECT_WRITES;
    return call.reply.append(out);
}

Outcome<> release(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_release_in>());
    return call.file_system.files().remove(in.fh);
}

}  // namespace nacre::fuse::operations
