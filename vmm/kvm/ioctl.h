#pragma once

#include <sys/ioctl.h>

#include "vmm/base/result.h"

namespace nacre::kvm {

/// ioctl(2) whose failure names the request: "KVM_CREATE_VM: strerror". Returns what the kernel returned.
template <class Argument>
Result<int> checked_ioctl(int fd, unsigned long request, const char* name, Argument argument) {
    const int result = ::ioctl(fd, request, argument);
    if (result < 0)
        return fail_errno("{}", name);
    return result;
}

}  // namespace nacre::kvm

/// checked_ioctl with the request's own name for the error message.
#define NACRE_KVM_IOCTL(fd, request, argument) ::nacre::kvm::checked_ioctl(fd, request, #request, argument)
