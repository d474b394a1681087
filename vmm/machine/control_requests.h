#pragma once

#include "vmm/base/log.h"
#include "vmm/control/message.h"
#include "vmm/devices/block/ring_pool.h"
#include "vmm/machine/device_slots.h"
#include "vmm/machine/later_memory.h"
#include "vmm/machine/vcpus.h"

namespace nacre::machine {

/// What requests act on; all outlive the machine's control socket.
struct ChangeableMachine {
    DeviceSlots& slots;
    block::RingPool& disk_rings;
    const LaterMemory& memory;
    Vcpus& vcpus;
    Log& log;
    bool jailed;
};

/// Carries out what the runtime asks of the running VM. On the main thread.
control::Reply handle_request(const ChangeableMachine& machine, control::Request request);

}  // namespace nacre::machine
