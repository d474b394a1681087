#pragma once

#include <algorithm>
#include <optional>

#include "vmm/arch/memory_layout.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/devices/balloon/device.h"
#include "vmm/kvm/kvm.h"
#include "vmm/machine/config.h"
#include "vmm/machine/machine.h"

namespace nacre::machine {

/// Puts a VM together from its configuration: each function adds one part.
class MachineBuilder {
  public:
    /// Takes over every descriptor that `config` names, but its log and stats. `log` and `timeline` must
    /// outlive what is built.
    MachineBuilder(const Config& config, Log& log, Timeline& timeline);

    /// Once only.
    Result<std::unique_ptr<Machine>> build();

  private:
    Result<void> create_vm();
    Result<void> create_memory();
    Result<std::optional<GuestMemory::Region>> reserve_later_memory() const;
    Result<void> attach_console();
    Result<void> attach_vsock();
    Result<void> attach_file_system();
    Result<void> attach_rng();
    Result<void> attach_balloon();
    Result<void> attach_later_memory();
    Result<void> listen_for_changes();
    Result<void> watch_lifeline();
    Result<void> load_guest();
    Result<void> keep(const arch::MemoryRange& range);
    bool is_jailed() const { return config_.jail_root_fd >= 0; }
    Result<void> enter_jail();
    std::uint32_t possible_vcpus() const { return std::max(config_.vcpus, config_.max_vcpus); }
    Result<void> create_vcpus();
    Result<void> enter_boot_state(const kvm::Vcpu& vcpu) const;

    Config config_;
    Log& log_;
    Timeline& timeline_;
    FileDescriptor kvm_fd_;
    FileDescriptor kernel_;
    FileDescriptor initramfs_;
    FileDescriptor share_;
    FileDescriptor jail_root_;

    GuestAddress kernel_entry_ = 0;
    MachineParts parts_;
    balloon::Device* balloon_ = nullptr;  // in its slot
};

}  // namespace nacre::machine
