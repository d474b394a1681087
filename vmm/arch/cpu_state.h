#pragma once

#include <linux/kvm.h>

#include <vector>

#include "vmm/memory/guest_memory.h"

/// The state in which the 64-bit boot protocol wants the first CPU (Documentation/arch/x86/boot.rst, "64-bit
/// Boot Protocol"): long mode, identity-mapped pages, flat segments at selectors 0x10 and 0x18, interrupts
/// off, RSI at the boot_params.
namespace nacre::arch {

/// Writes the GDT and page tables that initial_sregs() points at. Maps the first GiB, where all that the
/// entry code looks at lies.
Result<void> write_entry_tables(const GuestMemory& memory);

kvm_regs initial_regs(GuestAddress entry);

/// `reset` is what KVM_GET_SREGS gives on a new vCPU.
kvm_sregs initial_sregs(const kvm_sregs& reset);

/// x87 and SSE control words as after FNINIT.
kvm_fpu initial_fpu();

/// The APIC as firmware leaves it: LINT0 takes the PIC's interrupts, LINT1 NMIs (MP specification, 3.6.2.2).
kvm_lapic_state initial_lapic(const kvm_lapic_state& reset);

std::vector<kvm_msr_entry> initial_msrs();

}  // namespace nacre::arch
