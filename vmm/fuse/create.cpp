#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string_view>

#include "vmm/fuse/beneath.h"
#include "vmm/fuse/open_flags.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// The directory in which something is created, with the thread acting as the request's user. Umask and
/// set-group-id rules were applied to the mode by the guest's kernel, apart from what a default ACL does with
/// the umask, which the host's file system knows.
struct Parent {
    InodePtr inode;
    PathDescriptor descriptor;

    int fd() const { return descriptor->get(); }
};

Outcome<Parent> parent_for_creation(const Call& call, std::uint32_t umask) {
    NACRE_ASSIGN(const auto inode, call.inode());
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    call.credentials.clear_setid_bits(false);
    call.credentials.set_umask(umask);
    return Parent{inode, descriptor};
}

Outcome<> reply_with_entry(Call& call, const Parent& parent, const char* name) {
    NACRE_ASSIGN(const auto entry, call.file_system.look_up(*parent.inode, parent.fd(), name));
    return call.reply.append(entry);
}

/// A device number from the 32 bits Linux packs it into (new_decode_dev, include/linux/kdev_t.h).
dev_t decode_device(std::uint32_t device) {
    return makedev((device & 0xfff00) >> 8, (device & 0xff) | ((device >> 12) & 0xfff00));
}

bool can_be_made(std::uint32_t type) {
    return type == 0 || type == S_IFREG || type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR ||
           type == S_IFBLK;
}

/// What CREATE and TMPFILE answer: the file as found and as opened.
Outcome<> reply_with_opened(Call& call, const Parent& parent, FileDescriptor opened, const char* name) {
    NACRE_ASSIGN(auto path_descriptor, call.file_system.open_again(opened.get(), O_PATH));
    NACRE_ASSIGN(const auto entry,
                 call.file_system.add_entry(*parent.inode, std::move(path_descriptor), name));
    auto handle = call.file_system.files().insert(std::make_shared<OpenFile>(OpenFile{std::move(opened)}));
    if (!handle) {
        call.file_system.inodes().forget(entry.nodeid, 1);
        return tl::unexpected(handle.error());
    }
    fuse_open_out out{};
    out.fh = *handle;
    out.open_flags = FOPEN_KEEP_CACHE | FOPEN_PARALLEL_DIRECT_WRITES;
    NACRE_TRY(call.reply.append(entry));
    return call.reply.append(out);
}

/// Opens what CREATE found to exist already: only a regular file, whatever name led there.
Outcome<FileDescriptor> open_existing(Call& call, const Parent& parent, const char* name, int flags,
                                      bool clear_setid_bits) {
    NACRE_ASSIGN(const auto found, open_beneath(parent.fd(), name, O_PATH));
    NACRE_ASSIGN(const struct statx status, status_of(found.get()));
    if (S_ISDIR(status.stx_mode))
        return refuse(EISDIR);
    if (!S_ISREG(status.stx_mode))
        return refuse(S_ISLNK(status.stx_mode) ? ELOOP : ENXIO);
    call.credentials.clear_setid_bits(clear_setid_bits);
    return call.file_system.open_again(found.get(), flags);
}

Outcome<FileDescriptor> open_or_create(Call& call, const Parent& parent, const char* name,
                                       const fuse_create_in& in) {
    const int flags = host_open_flags(in.flags);
    auto created = open_beneath(parent.fd(), name, flags | O_CREAT | O_EXCL, in.mode & 07777);
    const bool exists = !created && created.error().value == EEXIST;
    if (!exists || (in.flags & O_EXCL) != 0)
        return created;
    return open_existing(call, parent, name, flags, (in.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0);
}

}  // namespace

Outcome<> mknod(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_mknod_in>());
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    if (!can_be_made(in.mode & S_IFMT))
        return refuse(EINVAL);
    NACRE_ASSIGN(const auto parent, parent_for_creation(call, in.umask));
    NACRE_TRY(check(mknodat(parent.fd(), name, in.mode & (S_IFMT | 07777), decode_device(in.rdev))));
    return reply_with_entry(call, parent, name);
}

Outcome<> mkdir(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_mkdir_in>());
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const auto parent, parent_for_creation(call, in.umask));
    NACRE_TRY(check(mkdirat(parent.fd(), name, in.mode & 07777)));
    return reply_with_entry(call, parent, name);
}

/// The target is the guest's text and nothing else: the host never follows it.
Outcome<> symlink(Call& call) {
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const char* target, call.arguments.take_string());
    if (std::string_view(target).size() >= PATH_MAX)
        return refuse(ENAMETOOLONG);
    NACRE_ASSIGN(const auto parent, parent_for_creation(call, 0));
    NACRE_TRY(check(symlinkat(target, parent.fd(), name)));
    return reply_with_entry(call, parent, name);
}

Outcome<> create(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_create_in>());
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const auto parent, parent_for_creation(call, in.umask));
    NACRE_ASSIGN(auto opened, open_or_create(call, parent, name, in));
    return reply_with_opened(call, parent, std::move(opened), name);
}

Outcome<> tmpfile(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_create_in>());
    NACRE_ASSIGN(const auto parent, parent_for_creation(call, in.umask));
    const int flags = host_open_flags(in.flags);
    const int exclusive = (in.flags & O_EXCL) != 0 ? O_EXCL : 0;
    FileDescriptor opened(
        openat(parent.fd(), ".", flags | exclusive | O_TMPFILE | O_CLOEXEC, in.mode & 07777));
    if (!opened)
        return refuse_errno();
    return reply_with_opened(call, parent, std::move(opened), "");
}

}  // namespace nacre::fuse::operations
