#pragma once

namespace nacre::machine {

/// How nacre-vmm ended, as its exit status: the contract with the runtime. Anything else (a signal, another
/// number) is a VMM that died.
enum class ExitStatus : int {
    power_off = 0,       // the guest switched itself off
    vmm_error = 1,       // the VMM could not start or go on; its log says why
    reset = 2,           // the guest asked for a reset: a kernel panic, or a reboot
    triple_fault = 3,    // the guest's processor shut down
    internal_error = 4,  // KVM could not run the guest any further
    abandoned = 5,       // the last relay is gone
};

}  // namespace nacre::machine
