#include "runtime/container/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "vmm/base/file.h"
#include "vmm/base/printable.h"

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

Result<void> check_host_network(const oci::Spec& spec, bool sandbox, const Warn& warn) {
    constexpr const char* name = "io.nacre.net.host";
    constexpr const char* loopback = "loopback";
    const auto given = spec.annotations.find(name);
    if (given != spec.annotations.end() && given->second != loopback)
        return fail("annotation {}: \"{}\" is not \"{}\"", name, printable(given->second, 40), loopback);
    if (given != spec.annotations.end() || !wants_host_network(spec))
        return {};
    if (sandbox || spec.linux.find_namespace(oci::NamespaceType::network) != nullptr)
        return fail(
            "the network of the host: a virtual machine cannot have it; give the container a network of its "
            "own, or the annotation {}={} to have a loopback interface only",
            name, loopback);
    if (warn)
        warn(
            "the container asks for the network of the host, which a virtual machine cannot have: it gets a "
            "loopback interface only");
    return {};
}

}  // namespace nacre::runtime
