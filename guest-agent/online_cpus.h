#pragma once

#include <cstdint>
#include <string>

namespace nacre::agent {

/// Brings CPUs of the VM online, lowest first, or offline, highest first, until `at_least` … `at_most` are
/// online, as far as the kernel does it. Returns how many are. `sysfs` is where sysfs is mounted. CPU 0 is
/// always online.
std::uint32_t set_online_cpus(const std::string& sysfs, std::uint32_t at_least, std::uint32_t at_most);

}  // namespace nacre::agent
