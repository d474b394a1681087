#include "vmm/devices/virtio/device.h"

namespace nacre::virtio {

void Device::write_config(std::uint64_t /*offset*/, std::span<const std::byte> /*data*/) {}

}  // namespace nacre::virtio
