#include "guest-agent/container/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "guest-agent/container/copy_tree.h"
#include "guest-agent/container/mount_options.h"
#include "guest-agent/container/paths.h"
#include "runtime/oci/path_inside.h"
#include "vmm/base/mount_calls.h"

namespace nacre::agent {

namespace {

std::string file_system_type(const oci::Mount& mount) {
    return mount.type == "cgroup" ? "cgroup2" : mount.type;
}

/// What the kernel wrote into the file-system context about the last failure ("e tmpfs: Bad value …").
std::string context_message(int context) {
    char text[256];
    const auto length = ::read(context, text, sizeof text);
    if (length <= 2)
        return {};
    std::string message(text + 2, static_cast<std::size_t>(length - 2));
    std::ranges::replace(message, '\n', ' ');
    return " (" + message + ")";
}

Result<void> configure(int context, const oci::Mount& mount, const MountOptions& options) {
    if (!mount.source.empty() &&
        ::fsconfig(context, FSCONFIG_SET_STRING, "source", mount.source.c_str(), 0) < 0)
        return fail_errno("set source {}", mount.source);
    for (const auto& flag : options.flags) {
        if (::fsconfig(context, FSCONFIG_SET_FLAG, flag.c_str(), nullptr, 0) < 0)
            return fail_errno("option {}{}", flag, context_message(context));
    }
    for (const auto& [name, value] : options.values) {
        if (::fsconfig(context, FSCONFIG_SET_STRING, name.c_str(), value.c_str(), 0) < 0)
            return fail_errno("option {}={}{}", name, value, context_message(context));
    }
    if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return fail_errno("make file system{}", context_message(context));
    return {};
}

/// A detached mount of a new file system. tmpfs stays writable for what is made inside it.
Result<FileDescriptor> new_file_system(const oci::Mount& mount, const MountOptions& options,
                                       std::uint64_t attributes) {
    const auto type = file_system_type(mount);
    const FileDescriptor context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!context)
        return fail_errno("file system {}", type);
    NACRE_TRY(configure(context.get(), mount, options));
    FileDescriptor detached(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!detached)
        return fail_errno("mount file system {}", type);
    return detached;
}

/// What comes after the mount is in its place; all on the mount's own descriptor.
Result<void> finish(int mount, const MountOptions& options) {
    if (options.recursive_set != 0 || options.recursive_clear != 0)
        NACRE_TRY(change_mount(mount, options.recursive_set, options.recursive_clear, 0, true));
    if (options.propagation != 0)
        NACRE_TRY(change_mount(mount, 0, 0, options.propagation, options.recursive_propagation));
    return {};
}

Result<PathKind> kind_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) < 0)
        return fail_errno("stat source");
    return S_ISDIR(status.st_mode) ? PathKind::directory : PathKind::file;
}

/// A copy of what the mounts so far have made of a place in the container.
Result<FileDescriptor> clone_from_root(const MountPlaces& places, const oci::Mount& mount,
                                       const MountOptions& options) {
    const auto path = oci::path_inside(places.host_root, mount.source);
    if (!path)
        return fail_with(ENOENT, "no source in the share");
    NACRE_ASSIGN(const auto source, open_in_root(places.root, *path, O_PATH));
    NACRE_ASSIGN(auto tree, clone_mount(source.get(), options.recursive_bind));
    NACRE_TRY(change_mount(tree.get(), options.set, 0, 0, false));
    return tree;
}

Result<void> bind(const MountPlaces& places, const oci::Mount& mount, std::uint32_t index,
                  const MountOptions& options) {
    const auto found = places.binds.find(index);
    FileDescriptor copy;
    if (found == places.binds.end()) {
        NACRE_ASSIGN(copy, clone_from_root(places, mount, options));
    }
    const int tree = copy ? copy.get() : found->second.get();
    NACRE_ASSIGN(const auto kind, kind_of(tree));
    NACRE_ASSIGN(const auto target, make_in_root(places.root, mount.destination, kind));
    NACRE_TRY(attach_mount(tree, target.get()));
    return finish(tree, options);
}

/// proc and sysfs hold what decides about the container's confinement: an image must not lead them elsewhere
/// (CVE-2019-19921).
Result<void> refuse_link(int root, const oci::Mount& mount) {
    if (mount.type != "proc" && mount.type != "sysfs")
        return {};
    const auto place = open_in_root(root, mount.destination, O_PATH | O_NOFOLLOW);
    struct stat status {};
    if (place && ::fstat(place->get(), &status) == 0 && !S_ISDIR(status.st_mode))
        return fail_with(ENOTDIR, "filesystem \"{}\" must be mounted on ordinary directory", mount.type);
    return {};
}

/// A tmpfs takes the mode of the directory that it covers, unless the configuration sets one.
void inherit_mode(int root, const oci::Mount& mount, MountOptions& options) {
    const auto has_mode =
        std::ranges::any_of(options.values, [](const auto& value) { return value.first == "mode"; });
    const auto place = open_in_root(root, mount.destination, O_PATH | O_DIRECTORY);
    struct stat status {};
    if (!has_mode && place && ::fstat(place->get(), &status) == 0)
        options.values.emplace_back("mode", fmt::format("{:o}", status.st_mode & 07777u));
}

Result<void> mount_new(const MountPlaces& places, const oci::Mount& mount, MountOptions options,
                       LateReadOnly& late) {
    NACRE_TRY(refuse_link(places.root, mount));
    const bool is_tmpfs = mount.type == "tmpfs";
    if (is_tmpfs)
        inherit_mode(places.root, mount, options);
    const bool late_read_only = is_tmpfs && (options.set & MOUNT_ATTR_RDONLY) != 0;
    const auto attributes = late_read_only ? options.set & ~std::uint64_t{MOUNT_ATTR_RDONLY} : options.set;
    NACRE_ASSIGN(auto mounted, new_file_system(mount, options, attributes));
    NACRE_ASSIGN(const auto target, make_in_root(places.root, mount.destination, PathKind::directory));
    if (options.copy_up && is_tmpfs)
        NACRE_TRY(copy_tree(target.get(), mounted.get()));
    NACRE_TRY(attach_mount(mounted.get(), target.get()));
    NACRE_TRY(finish(mounted.get(), options));
    if (late_read_only)
        late.push_back(std::move(mounted));
    return {};
}

Result<void> make_mount(const MountPlaces& places, oci::Mount mount, std::uint32_t index,
                        LateReadOnly& late) {
    mount.destination = oci::path_inside(places.host_root, mount.destination).value_or(mount.destination);
    const auto options = parse_mount_options(mount.options);
    if (is_bind_mount(mount)) {
        auto bind_options = options;
        // Type "bind" without either option is a plain bind, as with runc.
        bind_options.bind = true;
        return bind(places, mount, index, bind_options);
    }
    return mount_new(places, mount, options, late);
}

}  // namespace

bool is_bind_mount(const oci::Mount& mount) {
    return mount.type == "bind" || parse_mount_options(mount.options).bind;
}

Result<LateReadOnly> make_mounts(const MountPlaces& places, const std::vector<oci::Mount>& mounts) {
    LateReadOnly late;
    for (std::uint32_t index = 0; index < mounts.size(); ++index) {
        auto made = make_mount(places, mounts[index], index, late);
        if (!made)
            return add_context(std::move(made).error(), fmt::format("mount {} on {}",
                                                                    file_system_type(mounts[index]).empty()
                                                                        ? "bind"
                                                                        : file_system_type(mounts[index]),
                                                                    mounts[index].destination));
    }
    return late;
}

}  // namespace nacre::agent
