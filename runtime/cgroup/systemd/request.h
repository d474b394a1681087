#pragma once

#include <systemd/sd-bus.h>

#include <span>
#include <string>

#include "vmm/base/result.h"

namespace nacre::systemd {

/// Words of the command line: NAME SIGNATURE VALUE… for each property, in busctl(1)'s form.
using Words = std::span<const std::string>;

/// Appends the properties as an array "a(sv)". Signatures are of a basic type or an array of one, which has
/// its length in front.
Result<void> append_properties(sd_bus_message* message, Words words);

}  // namespace nacre::systemd
