#pragma once

#include <optional>

#include "guest-agent/container/seccomp.h"

namespace nacre::agent {

/// no_new_privs and the seccomp filter of a process in the container, which go on together: without
/// no_new_privs a filter needs a capability that the user may not have, with it the filter is best the last
/// thing before execve(2), as it need not allow what comes before.
class ProcessFilter {
  public:
    explicit ProcessFilter(bool no_new_privileges) : no_new_privileges_(no_new_privileges) {}

    /// May take long; before the container's root is entered. Without a profile there is no filter.
    Result<void> compile(const std::optional<oci::Seccomp>& seccomp);

    /// Before become_user(): no_new_privs, or else the filter.
    Result<void> apply_as_root() const;

    /// Right before execve(2): the filter, if apply_as_root() has left it.
    Result<void> apply_last() const;

  private:
    bool no_new_privileges_;
    std::optional<SeccompFilter> filter_;
};

}  // namespace nacre::agent
