#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cgroup/limits.h"
#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// A property of a systemd unit as busctl(1) and nacre-systemd take it: a D-Bus signature of a basic type or
/// an array of one, and the value in words; an array's first word is its length.
struct UnitProperty {
    std::string name;       // "CPUWeight"
    std::string signature;  // "t"
    std::vector<std::string> words;
    bool operator==(const UnitProperty&) const = default;
};

UnitProperty text_property(std::string name, std::string value);
UnitProperty flag_property(std::string name, bool value);
UnitProperty number_property(std::string name, std::uint64_t value);

/// The property that the annotation "org.systemd.property.<name>" = `text` means, as with runc: `text` is of
/// GVariant's text format (basic types and arrays of them), and …Sec in seconds becomes …USec.
Result<UnitProperty> annotated_property(const std::string& name, const std::string& text);

/// annotated_property() of every such annotation.
Result<std::vector<UnitProperty>> annotated_properties(const oci::StringMap& annotations);

/// The settings as systemd can keep them: a CPU quota in whole percents of a CPU, rounded up.
std::vector<CgroupSetting> rounded_for_systemd(std::vector<CgroupSetting> settings);

/// What systemd is told of the settings (systemd.resource-control(5)), so that it does not undo them. There
/// is no property for some: those are in the cgroup's files alone.
Result<std::vector<UnitProperty>> unit_properties(const std::vector<CgroupSetting>& settings);

}  // namespace nacre::runtime
