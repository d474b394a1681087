#include "guest-agent/container/process_filter.h"

#include <sys/prctl.h>

namespace nacre::agent {

Result<void> ProcessFilter::compile(const std::optional<oci::Seccomp>& seccomp) {
    if (!seccomp)
        return {};
    NACRE_ASSIGN(filter_, compile_seccomp(*seccomp));
    return {};
}

Result<void> ProcessFilter::apply_as_root() const {
    if (!no_new_privileges_)
        return filter_ ? load_seccomp(*filter_) : Result<void>();
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail_errno("set no_new_privs");
    return {};
}

Result<void> ProcessFilter::apply_last() const {
    return filter_ && no_new_privileges_ ? load_seccomp(*filter_) : Result<void>();
}

}  // namespace nacre::agent
