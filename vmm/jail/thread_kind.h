#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nacre::jail {

/// What a thread does, which decides what it may do.
enum class ThreadKind : std::uint8_t {
    vcpu,         // runs guest code, serves register accesses
    event_loop,   // moves bytes of vsock, console, rng; gives memory back; starts the threads of what is
                  // attached later
    file_server,  // acts on the share for the guest's users
    block,        // moves bytes between guest memory and one open file
    network,      // moves frames between guest memory and a tap
};

inline constexpr std::array kThreadKinds{ThreadKind::vcpu, ThreadKind::event_loop, ThreadKind::file_server,
                                         ThreadKind::block, ThreadKind::network};

/// As the enumerator is called.
std::string_view thread_kind_name(ThreadKind kind);

}  // namespace nacre::jail
