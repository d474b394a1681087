#pragma once

#include <cerrno>
#include <tl/expected.hpp>

#include "vmm/base/result.h"

namespace nacre::fuse {

/// Why a request failed. The guest gets the number and nothing else, so there is no text to build: a file
/// that does not exist is an everyday answer.
struct Errno {
    int value;
};

/// A value, or the errno for the guest.
template <class T = void>
using Outcome = tl::expected<T, Errno>;

inline tl::unexpected<Errno> refuse(int code) {
    return tl::unexpected(Errno{code});
}

/// refuse(errno), to be called before anything else can change errno.
inline tl::unexpected<Errno> refuse_errno() {
    return refuse(errno);
}

/// The outcome of a system call that returns -1 on failure.
inline Outcome<> check(int system_call_result) {
    if (system_call_result < 0)
        return refuse_errno();
    return {};
}

}  // namespace nacre::fuse
