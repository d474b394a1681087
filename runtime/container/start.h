#pragma once

#include <string>

#include "runtime/container/notifications.h"
#include "runtime/container/warn.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// A container that runs, and may have to tell yet that it is ready.
struct Started {
    pid_t relay;
    Readiness readiness;
};

/// start() of lifecycle.h without its wait for the container to be ready; the container is not locked then.
Result<Started> begin_start(const Store& store, const std::string& id, const Warn& warn);

}  // namespace nacre::runtime
