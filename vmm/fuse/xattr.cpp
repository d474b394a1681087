#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/fuse/beneath.h"
#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// The file by its name below /proc/self/fd, which is each worker's working directory: the *xattr calls take
/// neither O_PATH descriptors nor a directory.
struct Target {
    PathDescriptor descriptor;
    DescriptorName name;
};

Outcome<Target> target_of(const Call& call) {
    NACRE_ASSIGN(const auto descriptor, call.descriptor());
    return Target{descriptor, DescriptorName(descriptor->get())};
}

bool is_known_namespace(std::string_view name) {
    static constexpr std::array<std::string_view, 3> prefixes{"user.", "trusted.", "security."};
    const bool acl = name == "system.posix_acl_access" || name == "system.posix_acl_default";
    return acl || std::ranges::any_of(prefixes, [&](auto prefix) { return name.starts_with(prefix); });
}

Outcome<const char*> take_attribute_name(Arguments& arguments) {
    NACRE_ASSIGN(const char* text, arguments.take_string());
    const std::string_view name(text);
    if (name.size() > XATTR_NAME_MAX || name.empty())
        return refuse(ERANGE);
    if (!is_known_namespace(name))
        return refuse(EOPNOTSUPP);
    return text;
}

/// Answers with what `fetch(buffer, size)` gives, or with its size alone when the guest asked for 0 bytes.
template <class Fetch>
Outcome<> reply_with(Call& call, std::uint32_t size, Fetch fetch) {
    if (size == 0) {
        const ssize_t needed = fetch(nullptr, 0);
        if (needed < 0)
            return refuse_errno();
        return call.reply.append(fuse_getxattr_out{static_cast<std::uint32_t>(needed), 0});
    }
    const auto wanted = std::min({std::size_t{size}, std::size_t{XATTR_SIZE_MAX}, call.reply.room()});
    NACRE_ASSIGN(const auto space, call.reply.extend(wanted));
    const ssize_t length = fetch(reinterpret_cast<char*>(space.data()), space.size());
    if (length < 0)
        return refuse_errno();
    call.reply.shrink_to(static_cast<std::size_t>(length));
    return {};
}

/// The guest's kernel asks for this when someone outside the file's group changes the ACL.
Outcome<> clear_set_group_id(const Call& call, const Target& target) {
    NACRE_ASSIGN(const struct statx status, status_of(target.descriptor->get()));
    if ((status.stx_mode & S_ISGID) == 0)
        return {};
    return check(fchmodat(call.file_system.descriptor_directory(), target.name.c_str(),
                          status.stx_mode & 07777 & ~unsigned{S_ISGID}, 0));
}

}  // namespace

Outcome<> getxattr(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_getxattr_in>());
    NACRE_ASSIGN(const char* name, take_attribute_name(call.arguments));
    NACRE_ASSIGN(const auto target, target_of(call));
    return reply_with(call, in.size, [&](char* value, std::size_t size) {
        return ::getxattr(target.name.c_str(), name, value, size);
    });
}

Outcome<> listxattr(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_getxattr_in>());
    NACRE_ASSIGN(const auto target, target_of(call));
    return reply_with(call, in.size, [&](char* names, std::size_t size) {
        return ::listxattr(target.name.c_str(), names, size);
    });
}

Outcome<> setxattr(Call& call) {
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_setxattr_in>());
    NACRE_ASSIGN(const char* name, take_attribute_name(call.arguments));
    NACRE_ASSIGN(const auto value, call.arguments.take_bytes(in.size));
    NACRE_ASSIGN(const auto target, target_of(call));
    call.credentials.clear_setid_bits(false);
    NACRE_TRY(
        check(::setxattr(target.name.c_str(), name, value.data(), value.size(), static_cast<int>(in.flags))));
    if ((in.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) != 0)
        return clear_set_group_id(call, target);
    return {};
}

Outcome<> removexattr(Call& call) {
    NACRE_ASSIGN(const char* name, take_attribute_name(call.arguments));
    NACRE_ASSIGN(const auto target, target_of(call));
    return check(::removexattr(target.name.c_str(), name));
}

}  // namespace nacre::fuse::operations
