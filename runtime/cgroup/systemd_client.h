#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/unit_property.h"

namespace nacre::runtime {

/// Requests to the host's systemd, each made by a run of nacre-systemd (systemd/README.md), which is
/// installed beside nacre. An error is systemd's own, or that it did not answer in time (40 s).

/// Whether systemd is the host's init (sd_booted(3)).
bool is_systemd_running();

/// Makes and starts a transient unit; returns when it is there.
Result<void> start_unit(const std::string& unit, const std::vector<UnitProperty>& properties);

/// Changes a unit until it ends.
Result<void> set_unit_properties(const std::string& unit, const std::vector<UnitProperty>& properties);

/// Ends a unit, and has a failed one forgotten; returns when it is gone. One that is gone already is fine.
Result<void> stop_unit(const std::string& unit);

}  // namespace nacre::runtime
