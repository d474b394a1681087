#pragma once

#include <linux/filter.h>

#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::agent {

/// A compiled seccomp filter.
struct SeccompFilter {
    std::vector<sock_filter> program;
    unsigned flags = 0;  // SECCOMP_FILTER_FLAG_*
};

/// Compiles the configuration's profile with libseccomp, to the meaning that runc gives it: syscalls and
/// architectures unknown to this libseccomp are left out, a rule with the default action says nothing.
Result<SeccompFilter> compile_seccomp(const oci::Seccomp& seccomp);

/// Puts the filter on the calling process. Needs CAP_SYS_ADMIN or no_new_privs (seccomp(2)).
Result<void> load_seccomp(const SeccompFilter& filter);

}  // namespace nacre::agent
