#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// One listing under way: entries go into the reply until it holds `limit` bytes.
struct Listing {
    Call& call;
    std::size_t limit;

    bool has_room_for(std::size_t size) const { return call.reply.size() + size <= limit; }
};

fuse_dirent header_of(const DirectoryEntry& entry) {
    fuse_dirent header{};
    header.ino = entry.inode;
    header.off = entry.next_offset;
    header.namelen = static_cast<std::uint32_t>(std::strlen(entry.name));
    header.type = entry.type;
    return header;
}

/// Adds `header` (fuse_dirent or fuse_direntplus, the kernel's flexible name after it), the name and padding.
template <class Header>
Outcome<> append_entry(Reply& reply, const Header& header, std::size_t header_size, std::string_view name) {
    NACRE_ASSIGN(const auto space, reply.extend(FUSE_DIRENT_ALIGN(header_size + name.size())));
    std::memcpy(space.data(), &header, header_size);
    std::memcpy(space.data() + header_size, name.data(), name.size());
    return {};
}

/// Whether the entry was added; if not, the reply is full.
Outcome<bool> add_plain(Listing& listing, const Inode&, const OpenDirectory&, const DirectoryEntry& entry) {
    const auto header = header_of(entry);
    const std::string_view name(entry.name, header.namelen);
    if (!listing.has_room_for(FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name.size())))
        return false;
    NACRE_TRY(append_entry(listing.call.reply, header, FUSE_NAME_OFFSET, name));
    return true;
}

bool is_dot_or_dot_dot(std::string_view name) {
    return name == "." || name == "..";
}

/// With the answer to a LOOKUP of the name, where that is had: node 0 tells the guest to look it up itself.
Outcome<bool> add_with_attributes(Listing& listing, const Inode& parent, const OpenDirectory& directory,
                                  const DirectoryEntry& entry) {
    fuse_direntplus plus{};
    plus.dirent = header_of(entry);
    const std::string_view name(entry.name, plus.dirent.namelen);
    if (!listing.has_room_for(FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + name.size())))
        return false;
    auto& file_system = listing.call.file_system;
    if (!is_dot_or_dot_dot(name) && !file_system.inodes().is_full())
        plus.entry_out =
            file_system.look_up(parent, directory.descriptor(), entry.name).value_or(fuse_entry_out{});
    NACRE_TRY(append_entry(listing.call.reply, plus, FUSE_NAME_OFFSET_DIRENTPLUS, name));
    return true;
}

template <class AddEntry>
Outcome<> list(Call& call, AddEntry add_entry) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_read_in>());
    NACRE_ASSIGN(const auto inode, call.inode());
    NACRE_ASSIGN(const auto directory, call.file_system.directories().find(in.fh));
    Listing listing{call, std::min({std::size_t{in.size}, call.reply.room(), std::size_t{max_payload}})};
    const OpenDirectory::Reading reading(*directory);
    NACRE_TRY(directory->seek(in.offset));
    for (;;) {
        NACRE_ASSIGN(const auto entry, directory->peek());
        if (!entry)
            return {};
        NACRE_ASSIGN(const bool added, add_entry(listing, *inode, *directory, *entry));
        if (!added)
            return call.reply.size() == 0 ? Outcome<>(refuse(EINVAL)) : Outcome<>();  // 0 bytes mean the end
        directory->advance();
    }
}

}  // namespace

Outcome<> opendir(Call& call) {
    NACRE_ASSIGN(const auto inode, call.inode());
    if (!inode->is_directory())
        return refuse(ENOTDIR);
    NACRE_ASSIGN(const auto descriptor, call.file_system.inodes().descriptor_of(inode));
    FileDescriptor opened(openat(descriptor->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened)
        return refuse_errno();
    fuse_open_out out{};
    NACRE_ASSIGN(out.fh, call.file_system.directories().insert(std::make_shared<OpenDirectory>(
                             std::move(opened), call.file_system.directory_buffers())));
    return call.reply.append(out);
}

Outcome<> readdir(Call& call) {
    return list(call, add_plain);
}

Outcome<> readdirplus(Call& call) {
    return list(call, add_with_attributes);
}

Outcome<> releasedir(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_release_in>());
    return call.file_system.directories().remove(in.fh);
}

Outcome<> fsyncdir(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_fsync_in>());
    NACRE_ASSIGN(const auto directory, call.file_system.directories().find(in.fh));
    const int fd = directory->descriptor();
    return check((in.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0 ? ::fdatasync(fd) : ::fsync(fd));
}

}  // namespace nacre::fuse::operations
