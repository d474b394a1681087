#include "vmm/fuse/file_system.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "vmm/base/file.h"
#include "vmm/fuse/attributes.h"
#include "vmm/fuse/beneath.h"

namespace nacre::fuse {

namespace {

/// Descriptors left to the rest of the process.
constexpr rlim_t reserved_descriptors = 256;

std::size_t descriptor_share() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return reserved_descriptors;
    const rlim_t usable = limit.rlim_cur;
    return usable > 2 * reserved_descriptors ? (usable - reserved_descriptors) / 2 : usable / 4;
}

Options with_defaults(Options options) {
    if (options.max_handles == 0)
        options.max_handles = descriptor_share();
    if (options.max_descriptors == 0)  // an eighth may come on top while descriptors are in use
        options.max_descriptors = descriptor_share() * 7 / 8;
    return options;
}

}  // namespace

Result<std::unique_ptr<FileSystem>> FileSystem::create(FileDescriptor root, FileDescriptor own_descriptors,
                                                       Options options) {
    options = with_defaults(options);
    FileDescriptor path_descriptor(openat(root.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!path_descriptor)
        return fail_errno("cannot open the shared directory");
    auto inodes =
        InodeTable::create(std::move(path_descriptor), {options.max_inodes, options.max_descriptors});
    if (!inodes)
        return fail_with(inodes.error().value, "cannot share the directory");
    return std::unique_ptr<FileSystem>(
        new FileSystem(options, std::move(own_descriptors), std::move(*inodes)));
}

FileSystem::FileSystem(const Options& options, FileDescriptor descriptor_directory,
                       std::unique_ptr<InodeTable> inodes)
    : options_(options),
      descriptor_directory_(std::move(descriptor_directory)),
      inodes_(std::move(inodes)),
      root_mount_((*inodes_->find(root_node))->identity.mount),
      files_(options.max_handles / 2),
      directories_(options.max_handles / 2) {}

Outcome<PathDescriptor> FileSystem::descriptor_of(NodeId id) {
    NACRE_ASSIGN(const auto inode, inodes_->find(id));
    return inodes_->descriptor_of(inode);
}

Outcome<FileDescriptor> FileSystem::open_again(int path_descriptor, int flags) const {
    const DescriptorName name(path_descriptor);
    const int fd = openat(descriptor_directory_.get(), name.c_str(), flags | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return refuse_errno();
    return FileDescriptor(fd);
}

std::chrono::nanoseconds FileSystem::memory_of_names(const Inode& parent,
                                                     std::chrono::nanoseconds timeout) const {
    const bool forget = !options_.remember_names_of_root_mount && parent.identity.mount == root_mount_;
    return forget ? std::chrono::nanoseconds::zero() : timeout;
}

Outcome<fuse_entry_out> FileSystem::look_up(const Inode& parent, int parent_descriptor, const char* name) {
    NACRE_ASSIGN(auto found, open_beneath(parent_descriptor, name, O_PATH));
    return add_entry(parent, std::move(found), name);
}

Outcome<fuse_entry_out> FileSystem::add_entry(const Inode& parent, FileDescriptor path_descriptor,
                                              const char* name) {
    NACRE_ASSIGN(const struct statx status, status_of(path_descriptor.get()));
    NACRE_ASSIGN(const auto inode, inodes_->add_lookup(std::move(path_descriptor), status, parent, name));
    const Validity entry(memory_of_names(parent, options_.entry_timeout));
    const Validity attribute(options_.attribute_timeout);
    fuse_entry_out out{};
    out.nodeid = inode->id;
    out.entry_valid = entry.seconds;
    out.entry_valid_nsec = entry.nanoseconds;
    out.attr_valid = attribute.seconds;
    out.attr_valid_nsec = attribute.nanoseconds;
    out.attr = attributes_from(status, inode->submount_root);
    return out;
}

void FileSystem::reset() {
    set_initialized(false);
    files_.clear();
    directories_.clear();
    inodes_->clear();
}

}  // namespace nacre::fuse
