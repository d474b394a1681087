#include "runtime/container/host_hooks.h"

#include <unistd.h>

#include "runtime/oci/hooks.h"

namespace nacre::runtime {

namespace {

std::vector<std::string> own_environment() {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry)
        environment.emplace_back(*entry);
    return environment;
}

}  // namespace

Result<void> run_host_hooks(const std::vector<oci::Hook>& hooks, const std::string& kind,
                            const ContainerState& state, Status status) {
    return oci::run_hooks(oci::with_environment(hooks, own_environment()), kind,
                          oci_state_json(state, status, false), state.bundle);
}

}  // namespace nacre::runtime
