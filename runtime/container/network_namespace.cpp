#include "runtime/container/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "vmm/base/file.h"

namespace nacre::runtime {

Result<void> enter_network_namespace(const oci::Spec& spec) {
    const auto* wanted = spec.linux.find_namespace(oci::NamespaceType::network);
    if (wanted == nullptr)
        return {};
    if (wanted->path.empty()) {
        if (::unshare(CLONE_NEWNET) < 0)
            return fail_errno("create the container's network namespace");
        return {};
    }
    NACRE_ASSIGN(const auto file, open_file(wanted->path, O_RDONLY));
    if (::setns(file.get(), CLONE_NEWNET) < 0)
        return fail_errno("enter network namespace {}", wanted->path);
    return {};
}

bool wants_host_network(const oci::Spec& spec) {
    const auto* wanted = spec.linux.find_namespace(oci::NamespaceType::network);
    if (wanted == nullptr)
        return true;
    struct stat given {};
    struct stat host {};
    return !wanted->path.empty() && ::stat(wanted->path.c_str(), &given) == 0 &&
           ::stat("/proc/1/ns/net", &host) == 0 && given.st_dev == host.st_dev && given.st_ino == host.st_ino;
}

}  // namespace nacre::runtime
