#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>

#include "vmm/fuse/protocol.h"

namespace nacre::fuse {

/// What the guest's stat(2) shows, from what statx(2) says here.
fuse_attr attributes_from(const struct statx& status, bool submount_root);

/// The same for the guest's statx(2).
fuse_statx extended_attributes_from(const struct statx& status);

/// How long the guest may keep what it is told, as the two fields that FUSE has for it.
struct Validity {
    explicit Validity(std::chrono::nanoseconds duration)
        : seconds(static_cast<std::uint64_t>(duration.count() / 1'000'000'000)),
          nanoseconds(static_cast<std::uint32_t>(duration.count() % 1'000'000'000)) {}
    std::uint64_t seconds;
    std::uint32_t nanoseconds;
};

}  // namespace nacre::fuse
