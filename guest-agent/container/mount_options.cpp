#include "guest-agent/container/mount_options.h"

#include <array>

namespace nacre::agent {

namespace {

/// Options that become attributes of a mount: each sets or clears one; "r" in front makes it recursive. The
/// atime modes are one field: setting one clears the others.
struct AttributeOption {
    std::string_view name;
    std::uint64_t set;
    std::uint64_t clear;
};

constexpr std::uint64_t atime = MOUNT_ATTR__ATIME;

constexpr std::array attribute_options{
    AttributeOption{"ro", MOUNT_ATTR_RDONLY, 0},
    AttributeOption{"rw", 0, MOUNT_ATTR_RDONLY},
    AttributeOption{"nosuid", MOUNT_ATTR_NOSUID, 0},
    AttributeOption{"suid", 0, MOUNT_ATTR_NOSUID},
    AttributeOption{"nodev", MOUNT_ATTR_NODEV, 0},
    AttributeOption{"dev", 0, MOUNT_ATTR_NODEV},
    AttributeOption{"noexec", MOUNT_ATTR_NOEXEC, 0},
    AttributeOption{"exec", 0, MOUNT_ATTR_NOEXEC},
    AttributeOption{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    AttributeOption{"diratime", 0, MOUNT_ATTR_NODIRATIME},
    AttributeOption{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    AttributeOption{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    AttributeOption{"noatime", MOUNT_ATTR_NOATIME, atime},
    AttributeOption{"strictatime", MOUNT_ATTR_STRICTATIME, atime},
    AttributeOption{"relatime", MOUNT_ATTR_RELATIME, atime},
    AttributeOption{"atime", 0, atime},
    AttributeOption{"norelatime", 0, atime},
    AttributeOption{"nostrictatime", 0, atime},
};

/// Options of the super block, which the kernel takes as flags of any file system (fs/fs_context.c).
constexpr std::array<std::string_view, 8> superblock_options{"sync",       "async", "dirsync", "lazytime",
                                                             "nolazytime", "mand",  "nomand",  "silent"};

/// Options that say nothing to Linux, and those that the host has carried out.
constexpr std::array<std::string_view, 9> idle_options{"defaults",   "loud",    "acl",   "noacl", "iversion",
                                                       "noiversion", "remount", "idmap", "ridmap"};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> propagation_names{{
    {"private", MS_PRIVATE},
    {"rprivate", MS_PRIVATE | MS_REC},
    {"shared", MS_SHARED},
    {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},
    {"rslave", MS_SLAVE | MS_REC},
    {"unbindable", MS_UNBINDABLE},
    {"runbindable", MS_UNBINDABLE | MS_REC},
}};

template <class List>
bool contains(const List& list, std::string_view text) {
    for (const auto& element : list) {
        if (element == text)
            return true;
    }
    return false;
}

const AttributeOption* find_attribute(std::string_view name) {
    for (const auto& option : attribute_options) {
        if (option.name == name)
            return &option;
    }
    return nullptr;
}

bool take_attribute(MountOptions& result, std::string_view option) {
    const auto* attribute = find_attribute(option);
    if (attribute == nullptr)
        return false;
    result.set = (result.set & ~attribute->clear) | attribute->set;
    result.any_attribute = true;
    return true;
}

bool take_recursive_attribute(MountOptions& result, std::string_view option) {
    const auto* attribute = option.starts_with('r') ? find_attribute(option.substr(1)) : nullptr;
    if (attribute == nullptr)
        return false;
    result.recursive_set = (result.recursive_set & ~attribute->clear) | attribute->set;
    result.recursive_clear = (result.recursive_clear & ~attribute->set) | attribute->clear;
    return true;
}

bool take_propagation(MountOptions& result, std::string_view option) {
    const auto flags = propagation_flags(option);
    if (flags == 0)
        return false;
    result.propagation = flags & ~std::uint64_t{MS_REC};
    result.recursive_propagation = (flags & MS_REC) != 0;
    return true;
}

bool take_own(MountOptions& result, std::string_view option) {
    if (option == "bind")
        result.bind = true;
    else if (option == "rbind")
        result.bind = result.recursive_bind = true;
    else if (option == "tmpcopyup")
        result.copy_up = true;
    else
        return contains(idle_options, option);
    return true;
}

void take_file_system_option(MountOptions& result, std::string_view option) {
    const auto equals = option.find('=');
    if (contains(superblock_options, option) || equals == std::string_view::npos)
        result.flags.emplace_back(option);
    else
        result.values.emplace_back(option.substr(0, equals), option.substr(equals + 1));
}

}  // namespace

std::uint64_t propagation_flags(std::string_view name) {
    for (const auto& [text, flags] : propagation_names) {
        if (text == name)
            return flags;
    }
    return 0;
}

MountOptions parse_mount_options(const std::vector<std::string>& options) {
    MountOptions result;
    for (const std::string_view option : options) {
        if (option.empty() || take_attribute(result, option) || take_propagation(result, option) ||
            take_own(result, option) || take_recursive_attribute(result, option))
            continue;
        take_file_system_option(result, option);
    }
    return result;
}

}  // namespace nacre::agent
