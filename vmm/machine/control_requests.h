#pragma once

#include "vmm/control/message.h"
#include "vmm/machine/device_slots.h"

namespace nacre::machine {

/// Carries out what the runtime asks of the running VM. On the main thread.
control::Reply handle_request(DeviceSlots& slots, control::Request request);

}  // namespace nacre::machine
