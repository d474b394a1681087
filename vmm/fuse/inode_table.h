#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "vmm/base/file_descriptor.h"
#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// The guest's number for a file. 1 is the share's root; none is ever used twice.
using NodeId = std::uint64_t;
inline constexpr NodeId root_node = 1;

/// An O_PATH descriptor; stays open while anyone holds it.
using PathDescriptor = std::shared_ptr<const FileDescriptor>;

/// What makes two names the same file. The mount counts: one file seen through a read-only and a writable
/// mount is two, each with its own rules. (Not the time of birth: on overlayfs it changes with copy-up.)
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t mount = 0;
    mode_t type = 0;  // S_IFMT bits

    bool operator==(const FileIdentity&) const = default;
};
FileIdentity identity_of(const struct statx& status);

/// A file the guest knows. What is public never changes; the rest belongs to the InodeTable.
class Inode {
  public:
    Inode(NodeId number, const FileIdentity& file, bool root_of_mount)
        : id(number), identity(file), submount_root(root_of_mount) {}

    bool is_regular() const { return S_ISREG(identity.type); }
    bool is_directory() const { return S_ISDIR(identity.type); }

    const NodeId id;
    const FileIdentity identity;
    const bool submount_root;  // a host mount begins here

  private:
    friend class InodeTable;

    std::uint64_t lookups_ = 0;
    PathDescriptor descriptor_;  // empty after eviction
    bool recently_used_ = true;
    NodeId parent_ = 0;  // where it was last seen, to find it again after eviction
    std::string name_;
};
using InodePtr = std::shared_ptr<Inode>;

/// The files the guest knows, each kept until the guest has forgotten it as often as it looked it up.
///
/// Each has an O_PATH descriptor, at most `max_descriptors` of them: past that, those not used lately are
/// closed, and opened again by directory and name when the guest comes back to them; ESTALE if another file
/// is there by then. Files that have no name any more, and the root, keep theirs. Safe from any thread.
class InodeTable {
  public:
    struct Limits {
        std::size_t max_inodes = 1U << 20;
        std::size_t max_descriptors = 4096;
    };

    /// `root` is an O_PATH descriptor of a directory.
    static Outcome<std::unique_ptr<InodeTable>> create(FileDescriptor root, Limits limits);

    /// The file of that number; ESTALE if the guest knows none such.
    Outcome<InodePtr> find(NodeId id) const;

    /// An open O_PATH descriptor of `inode`.
    Outcome<PathDescriptor> descriptor_of(const InodePtr& inode);

    /// Counts one lookup of the file behind `descriptor` (O_PATH, `status` is its own), found as `name` in
    /// `parent`, or without a name (an O_TMPFILE file) when `name` is empty. ENFILE when the guest knows too
    /// many files.
    Outcome<InodePtr> add_lookup(FileDescriptor descriptor, const struct statx& status, const Inode& parent,
                                 const char* name);

    /// Takes back `count` lookups. Unknown numbers and counts too large are the guest's own loss.
    void forget(NodeId id, std::uint64_t count);

    /// To be called before the entry `name` of `directory` is removed, moved or replaced: the file there
    /// keeps a descriptor from now on.
    void hold_before_unlink(int directory, const char* name);

    /// Forgets everything but the root.
    void clear();

    std::size_t size() const;
    std::size_t open_descriptors() const;

    /// Whether new files cost old ones their descriptors: no time to remember what nobody asked for.
    bool is_full() const { return open_descriptors() >= limits_.max_descriptors; }

  private:
    struct IdentityHash {
        std::size_t operator()(const FileIdentity& identity) const;
    };

    InodeTable(Limits limits) : limits_(limits) {}
    InodePtr find_locked(NodeId id) const;
    InodePtr add_locked(const FileIdentity& identity, const Inode& parent);
    void give_descriptor(const InodePtr& inode, PathDescriptor descriptor);
    Outcome<PathDescriptor> open_again(const InodePtr& inode, std::size_t max_depth);
    void make_room();
    InodePtr next_candidate();
    bool is_where_last_seen(const InodePtr& inode);
    void evict(const InodePtr& inode);

    const Limits limits_;
    mutable std::mutex mutex_;
    NodeId next_id_ = root_node + 1;
    InodePtr root_;
    std::unordered_map<NodeId, InodePtr> by_id_;
    std::unordered_map<FileIdentity, InodePtr, IdentityHash> by_identity_;
    std::deque<std::weak_ptr<Inode>> clock_;  // those with a descriptor, in turn to be evicted
    std::size_t open_descriptors_ = 0;
    std::size_t evicted_ = 0;
};

}  // namespace nacre::fuse
