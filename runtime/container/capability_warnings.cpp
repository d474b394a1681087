#include "runtime/container/capability_warnings.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "runtime/oci/capability_names.h"

namespace nacre::runtime {

namespace {

template <class List>
bool contains(const List& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
}

std::set<std::string> unknown_names(const oci::Capabilities& sets) {
    std::set<std::string> unknown;
    for (const auto* set :
         {&sets.bounding, &sets.effective, &sets.inheritable, &sets.permitted, &sets.ambient}) {
        for (const auto& name : *set) {
            if (!contains(oci::capability_names, name))
                unknown.insert(name);
        }
    }
    return unknown;
}

}  // namespace

std::vector<std::string> capability_warnings(const oci::Process& process) {
    const auto sets = process.capabilities.value_or(oci::Capabilities{});
    const auto unknown = unknown_names(sets);
    std::vector<std::string> warnings;
    if (!unknown.empty())
        warnings.push_back(
            fmt::format("ignoring unknown or unavailable capabilities: [{}]", fmt::join(unknown, " ")));
    for (const auto& name : sets.ambient) {
        const bool raisable = contains(sets.permitted, name) && contains(sets.inheritable, name);
        if (!raisable && !unknown.contains(name))
            warnings.push_back(
                fmt::format("can't raise ambient capability {}: operation not permitted", name));
    }
    return warnings;
}

void warn_of_capabilities(const oci::Process& process, const Warn& warn) {
    for (const auto& warning : warn ? capability_warnings(process) : std::vector<std::string>())
        warn(warning);
}

}  // namespace nacre::runtime
