#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "vmm/base/file_descriptor.h"

namespace nacre::control {

struct SocketPair {
    SocketPair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        left = FileDescriptor(ends[0]);
        right = FileDescriptor(ends[1]);
    }
    FileDescriptor left;
    FileDescriptor right;
};

}  // namespace nacre::control
