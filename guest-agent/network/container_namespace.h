#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <string>

#include "vmm/base/file.h"

namespace nacre::agent {

inline Result<FileDescriptor> open_network_namespace(const std::string& process) {
    return open_file("/proc/" + process + "/ns/net", O_RDONLY);
}

/// Whether two descriptors are of the same namespace.
inline Result<bool> is_same_namespace(int namespace_a, int namespace_b) {
    struct stat a {};
    struct stat b {};
    if (::fstat(namespace_a, &a) < 0 || ::fstat(namespace_b, &b) < 0)
        return fail_errno("compare network namespaces");
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// What `function`, a Result, returns in the network namespace behind `target`; the agent is back in its own
/// afterwards, behind `own`. Sockets that it opens there stay there.
template <class Function>
auto in_network_namespace(int target, int own, const Function& function) -> decltype(function()) {
    if (::setns(target, CLONE_NEWNET) < 0)
        return fail_errno("enter the container's network namespace");
    auto result = function();
    if (::setns(own, CLONE_NEWNET) < 0)
        return fail_errno("leave the container's network namespace");
    return result;
}

}  // namespace nacre::agent
