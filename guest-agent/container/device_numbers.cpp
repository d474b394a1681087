#include "guest-agent/container/device_numbers.h"

namespace nacre::agent {

namespace {

constexpr std::int64_t any = -1;

/// Whether the rule is about block devices (and not just because it is about all) of one major number.
bool names_block_device(const oci::DeviceRule& rule) {
    return rule.type == "b" && rule.major.value_or(any) >= 0;
}

bool covers(const oci::DeviceRule& rule, const DeviceNumber& number) {
    const auto minor = rule.minor.value_or(any);
    return rule.major == number.major && (minor < 0 || minor == number.minor);
}

}  // namespace

std::vector<oci::DeviceRule> translate_rules(const std::vector<oci::DeviceRule>& rules,
                                             const std::vector<DeviceTranslation>& translations,
                                             std::int64_t disk_major) {
    std::vector<oci::DeviceRule> translated;
    for (const auto& rule : rules) {
        if (!names_block_device(rule) || rule.major != disk_major)
            translated.push_back(rule);
        if (!names_block_device(rule))
            continue;
        for (const auto& [host, guest] : translations) {
            if (covers(rule, host))
                translated.push_back({rule.allow, "b", guest.major, guest.minor, rule.access});
        }
    }
    return translated;
}

}  // namespace nacre::agent
