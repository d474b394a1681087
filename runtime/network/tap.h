#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// A tap device as nacre-vmm wants it (control::AttachNetwork): it lives as long as one of its queues is
/// open.
struct Tap {
    std::string name;
    std::vector<FileDescriptor> queues;
};

/// Makes one with that many queues in the network namespace of the calling thread.
Result<Tap> make_tap(std::uint32_t queues);

/// Whether make_tap() names devices like that.
bool is_tap_name(std::string_view name);

/// As many descriptors of /dev/vhost-net; none where the host has no such device.
std::vector<FileDescriptor> open_vhost(std::size_t count);

}  // namespace nacre::runtime
