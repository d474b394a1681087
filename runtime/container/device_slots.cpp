#include "runtime/container/device_slots.h"

#include <algorithm>

namespace nacre::runtime {

Result<std::uint32_t> device_slots(std::size_t interfaces, std::size_t disks, bool sandbox) {
    constexpr std::size_t usual_interfaces = 4;
    if (interfaces + disks > max_device_slots)
        return fail(
            "{} network interfaces and {} disks: a virtual machine has room for {} devices; give the "
            "container fewer",
            interfaces, disks, max_device_slots);
    const auto wanted = std::max(interfaces, usual_interfaces) + disks + (sandbox ? disks_of_members : 0);
    return static_cast<std::uint32_t>(std::min<std::size_t>(wanted, max_device_slots));
}

}  // namespace nacre::runtime
