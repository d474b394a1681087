#pragma once

#include <cstdint>
#include <string>

#include "runtime/container/vm_size.h"
#include "vmm/base/result.h"

/// The size of a running VM, changed from outside. All functions ask nacre-vmm and the agent of the VM in
/// `vm_directory`, and wait as long as the guest makes progress.
namespace nacre::runtime {

/// RAM that the guest has, in bytes.
Result<std::uint64_t> vm_memory(const std::string& vm_directory);

/// Makes the VM as large as `size` where it is smaller, in vCPUs as far as it was made to grow: returns how
/// many of those for `size` it has. An error if the guest does not take all of it, as when it has no memory
/// left for the books it must keep.
Result<std::uint32_t> grow_vm(const std::string& vm_directory, const VmSize& size);

/// What a VM keeps beyond a size, since its kernel cannot let go of it.
struct Kept {
    std::uint64_t memory_bytes = 0;
    std::uint32_t vcpus = 0;
};

/// Makes it as small as `size` where it is larger, as far as the guest can let go. RAM never becomes less
/// than at the start.
Result<Kept> shrink_vm(const std::string& vm_directory, const VmSize& size);

/// Asks for that, and does not wait: what the guest can let go of, it gives back in its own time.
void shrink_vm_later(const std::string& vm_directory, const VmSize& size);

}  // namespace nacre::runtime
