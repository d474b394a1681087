#pragma once

#include <string>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::check {

/// One thing that a host, or a jail, must have, and what was found.
struct Requirement {
    std::string name;  // "KVM device"
    bool passed = false;
    std::string detail;  // what was found, or what is wrong
    std::string remedy;  // what to do about it; empty when it passed
};

inline Requirement pass(std::string name, std::string detail) {
    return {std::move(name), true, std::move(detail), ""};
}
inline Requirement miss(std::string name, std::string detail, std::string remedy) {
    return {std::move(name), false, std::move(detail), std::move(remedy)};
}

bool all_passed(const std::vector<Requirement>& requirements);

/// The last line of a report, with and without all requirements.
struct Verdict {
    std::string passed;  // "this host can run nacre"
    std::string failed;  // "this host cannot run nacre"
};

/// A line for each requirement, then the verdict:
///   pass  processor: x86-64
///   FAIL  KVM device: open /dev/kvm: Permission denied. Remedy: …
std::string report(const std::vector<Requirement>& requirements, const Verdict& verdict);

}  // namespace nacre::check
