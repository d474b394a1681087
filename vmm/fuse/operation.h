#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "vmm/fuse/arguments.h"
#include "vmm/fuse/credentials.h"
#include "vmm/fuse/file_system.h"
#include "vmm/fuse/outcome.h"
#include "vmm/fuse/protocol.h"
#include "vmm/fuse/reply.h"

namespace nacre::fuse {

/// One request on its way through the server.
struct Call {
    const fuse_in_header& header;
    Arguments& arguments;
    std::span<const iovec> payload;  // what a WRITE carries, still in guest memory; else empty
    Reply& reply;
    FileSystem& file_system;
    ThreadCredentials& credentials;

    /// The file that the request is about.
    Outcome<InodePtr> inode() const { return file_system.inodes().find(header.nodeid); }
    Outcome<PathDescriptor> descriptor() const { return file_system.descriptor_of(header.nodeid); }
};

/// Carries out a request and builds the body of its reply, or says with which errno it failed.
using Handler = Outcome<> (*)(Call&);

struct Operation {
    Handler run = nullptr;  // nullptr: not known here
    bool has_reply = true;  // FORGET and the like have none, whatever happens
    bool has_payload = false;
};

/// What to do for an opcode (enum fuse_opcode); any number may be asked for.
Operation operation_for(std::uint32_t opcode);

}  // namespace nacre::fuse
