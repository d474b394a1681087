#include "vmm/fuse/operation.h"

#include <array>

#include "vmm/fuse/operations.h"

namespace nacre::fuse {

namespace {

constexpr std::size_t opcode_count = FUSE_STATX + 1;

/// Unlisted requests get ENOSYS, after which the guest's kernel does without:
/// - FLUSH: nothing is kept back here that close(2) could report.
/// - GETLK, SETLK, SETLKW: not negotiated in INIT; the guest's kernel keeps the locks itself.
/// - INTERRUPT: nothing waits for long. POLL, BMAP, IOCTL: not for files of a shared directory.
/// - SETUPMAPPING, REMOVEMAPPING: no DAX window is offered.
constexpr std::array<Operation, opcode_count> make_table() {
    std::array<Operation, opcode_count> table{};
    table[FUSE_LOOKUP].run = operations::lookup;
    table[FUSE_FORGET] = {operations::forget, false, false};
    table[FUSE_GETATTR].run = operations::getattr;
    table[FUSE_SETATTR].run = operations::setattr;
    table[FUSE_READLINK].run = operations::readlink;
    table[FUSE_SYMLINK].run = operations::symlink;
    table[FUSE_MKNOD].run = operations::mknod;
    table[FUSE_MKDIR].run = operations::mkdir;
    table[FUSE_UNLINK].run = operations::unlink;
    table[FUSE_RMDIR].run = operations::rmdir;
    table[FUSE_RENAME].run = operations::rename;
    table[FUSE_LINK].run = operations::link;
    table[FUSE_OPEN].run = operations::open;
    table[FUSE_READ].run = operations::read;
    table[FUSE_WRITE] = {operations::write, true, true};
    table[FUSE_STATFS].run = operations::statfs;
    table[FUSE_RELEASE].run = operations::release;
    table[FUSE_FSYNC].run = operations::fsync;
    table[FUSE_SETXATTR].run = operations::setxattr;
    table[FUSE_GETXATTR].run = operations::getxattr;
    table[FUSE_LISTXATTR].run = operations::listxattr;
    table[FUSE_REMOVEXATTR].run = operations::removexattr;
    table[FUSE_INIT].run = operations::init;
    table[FUSE_OPENDIR].run = operations::opendir;
    table[FUSE_READDIR].run = operations::readdir;
    table[FUSE_RELEASEDIR].run = operations::releasedir;
    table[FUSE_FSYNCDIR].run = operations::fsyncdir;
    table[FUSE_ACCESS].run = operations::access;
    table[FUSE_CREATE].run = operations::create;
    table[FUSE_DESTROY].run = operations::destroy;
    table[FUSE_BATCH_FORGET] = {operations::batch_forget, false, false};
    table[FUSE_FALLOCATE].run = operations::fallocate;
    table[FUSE_READDIRPLUS].run = operations::readdirplus;
    table[FUSE_RENAME2].run = operations::rename2;
    table[FUSE_LSEEK].run = operations::lseek;
    table[FUSE_COPY_FILE_RANGE].run = operations::copy_file_range;
    table[FUSE_SYNCFS].run = operations::syncfs;
    table[FUSE_TMPFILE].run = operations::tmpfile;
    table[FUSE_STATX].run = operations::statx;
    return table;
}

constexpr auto table = make_table();

}  // namespace

Operation operation_for(std::uint32_t opcode) {
    return opcode < table.size() ? table[opcode] : Operation{};
}

}  // namespace nacre::fuse
