#pragma once

#include <string>
#include <vector>

#include "vmm/control/message.h"

namespace nacre::runtime {

/// Asks the nacre-vmm of the VM in `vm_directory` for a change, with the descriptors that belong to it (which
/// stay the caller's), and waits at most `timeout_ms` for the answer. Failed becomes an error.
Result<control::Reply> call_vmm(const std::string& vm_directory, const control::RequestMessage& request,
                                const std::vector<int>& descriptors, int timeout_ms);

/// Attaches a device to the running VM and has the guest find it: `request` is one that is answered by
/// control::Attached.
struct AttachedDevice {
    std::uint32_t slot = 0;
    std::string name;  // the guest's: "eth0", "vda"
};
Result<AttachedDevice> attach_device(const std::string& vm_directory, const control::RequestMessage& request,
                                     const std::vector<int>& descriptors, int timeout_ms);

/// Has the guest let go of the device in `slot`, and takes it out of the VM.
Result<void> detach_device(const std::string& vm_directory, std::uint32_t slot, int timeout_ms);

}  // namespace nacre::runtime
