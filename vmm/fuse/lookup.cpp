#include "vmm/fuse/attributes.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// "There is no such name, and you may remember that": node 0 with a time.
fuse_entry_out negative_entry(std::chrono::nanoseconds timeout) {
    const Validity validity(timeout);
    fuse_entry_out out{};
    out.entry_valid = validity.seconds;
    out.entry_valid_nsec = validity.nanoseconds;
    return out;
}

}  // namespace

Outcome<> lookup(Call& call) {
    NACRE_ASSIGN(const char* name, call.arguments.take_name());
    NACRE_ASSIGN(const auto parent, call.inode());
    NACRE_ASSIGN(const auto directory, call.file_system.inodes().descriptor_of(parent));
    const auto entry = call.file_system.look_up(*parent, directory->get(), name);
    if (entry)
        return call.reply.append(*entry);
    if (entry.error().value != ENOENT)
        return tl::unexpected(entry.error());
    return call.reply.append(negative_entry(
        call.file_system.memory_of_names(*parent, call.file_system.options().negative_timeout)));
}

Outcome<> forget(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_forget_in>());
    call.file_system.inodes().forget(call.header.nodeid, in.nlookup);
    return {};
}

Outcome<> batch_forget(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_batch_forget_in>());
    for (std::uint32_t index = 0; index < in.count; ++index) {
        NACRE_ASSIGN(const auto one, call.arguments.take<fuse_forget_one>());  // ends where the bytes do
        call.file_system.inodes().forget(one.nodeid, one.nlookup);
    }
    return {};
}

}  // namespace nacre::fuse::operations
