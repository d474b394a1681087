#pragma once

namespace nacre {

/// What the exit status of a nacre-vmm process means; the runtime tells from it how the VM ended.
enum class ExitStatus : int {
    powered_off = 0,   // the guest asked for power-off (16-bit 0x2000 to port 0x604)
    vmm_failed = 1,    // the VMM itself failed; its log says why
    reset = 2,         // the guest asked for a reset (0xfe to port 0x64): kernel panic or reboot
    triple_fault = 3,  // KVM_EXIT_SHUTDOWN
    kvm_error = 4,     // KVM_EXIT_INTERNAL_ERROR or KVM_EXIT_FAIL_ENTRY
};

}  // namespace nacre
