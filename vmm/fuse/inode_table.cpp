#include "vmm/fuse/inode_table.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <vector>

#include "vmm/fuse/beneath.h"

namespace nacre::fuse {

namespace {

/// Descriptors closed at once when there are too many, and candidates looked at for that.
constexpr int eviction_batch = 32;
constexpr int eviction_attempts = 2 * eviction_batch;

/// Directories above an evicted file that may have to be opened on the way back to it; fewer when it is only
/// about evicting one more.
constexpr std::size_t max_reopen_depth = 4096;
constexpr std::size_t max_check_depth = 16;

}  // namespace

FileIdentity identity_of(const struct statx& status) {
    FileIdentity identity;
    identity.device = gnu_dev_makedev(status.stx_dev_major, status.stx_dev_minor);
    identity.inode = status.stx_ino;
    identity.mount = (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0;
    identity.type = status.stx_mode & S_IFMT;
    return identity;
}

std::size_t InodeTable::IdentityHash::operator()(const FileIdentity& identity) const {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads neighbouring numbers
    std::uint64_t hash = identity.inode * odd;
    hash = (hash ^ identity.device) * odd;
    hash = (hash ^ identity.mount) * odd;
    return hash ^ (hash >> 32);
}

Outcome<std::unique_ptr<InodeTable>> InodeTable::create(FileDescriptor root, Limits limits) {
    NACRE_ASSIGN(const struct statx status, status_of(root.get()));
    if (!S_ISDIR(status.stx_mode))
        return refuse(ENOTDIR);
    std::unique_ptr<InodeTable> table(new InodeTable(limits));
    table->root_ = std::make_shared<Inode>(root_node, identity_of(status), false);
    table->root_->descriptor_ = std::make_shared<const FileDescriptor>(std::move(root));
    table->clear();
    return table;
}

void InodeTable::clear() {
    const std::lock_guard lock(mutex_);
    by_id_.clear();
    by_identity_.clear();
    clock_.clear();
    by_id_[root_node] = root_;
    by_identity_[root_->identity] = root_;
    open_descriptors_ = 1;
    evicted_ = 0;
}

std::size_t InodeTable::size() const {
    const std::lock_guard lock(mutex_);
    return by_id_.size();
}

std::size_t InodeTable::open_descriptors() const {
    const std::lock_guard lock(mutex_);
    return open_descriptors_;
}

InodePtr InodeTable::find_locked(NodeId id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

Outcome<InodePtr> InodeTable::find(NodeId id) const {
    const std::lock_guard lock(mutex_);
    if (auto inode = find_locked(id))
        return inode;
    return refuse(ESTALE);
}

Outcome<InodePtr> InodeTable::add_lookup(FileDescriptor descriptor, const struct statx& status,
                                         const Inode& parent, const char* name) {
    make_room();
    const auto identity = identity_of(status);
    PathDescriptor surplus;  // closed after the lock is gone
    const std::lock_guard lock(mutex_);
    const auto known = by_identity_.find(identity);
    auto inode = known == by_identity_.end() ? add_locked(identity, parent) : known->second;
    if (inode == nullptr)
        return refuse(ENFILE);
    surplus = std::make_shared<const FileDescriptor>(std::move(descriptor));
    if (inode->descriptor_ == nullptr)
        give_descriptor(inode, std::move(surplus));
    inode->recently_used_ = true;
    ++inode->lookups_;
    if (inode->id != root_node) {
        inode->parent_ = parent.id;
        inode->name_ = name;
    }
    return inode;
}

InodePtr InodeTable::add_locked(const FileIdentity& identity, const Inode& parent) {
    const auto spare = limits_.max_descriptors / 8;  // for those in use that make_room() cannot close
    if (by_id_.size() >= limits_.max_inodes || open_descriptors_ >= limits_.max_descriptors + spare)
        return nullptr;
    const bool crosses_mount = identity.mount != parent.identity.mount;
    auto inode = std::make_shared<Inode>(next_id_++, identity, crosses_mount);
    by_id_.emplace(inode->id, inode);
    by_identity_.emplace(identity, inode);
    ++evicted_;  // until it gets its descriptor
    return inode;
}

void InodeTable::give_descriptor(const InodePtr& inode, PathDescriptor descriptor) {
    inode->descriptor_ = std::move(descriptor);
    inode->recently_used_ = true;
    clock_.push_back(inode);
    ++open_descriptors_;
    --evicted_;
}

void InodeTable::forget(NodeId id, std::uint64_t count) {
    InodePtr forgotten;  // its descriptor is closed after the lock is gone
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end() || id == root_node)
        return;
    if (found->second->lookups_ > count) {
        found->second->lookups_ -= count;
        return;
    }
    forgotten = std::move(found->second);
    by_id_.erase(found);
    by_identity_.erase(forgotten->identity);
    if (forgotten->descriptor_ != nullptr)
        --open_descriptors_;
    else
        --evicted_;
    if (clock_.size() > 2 * open_descriptors_ + eviction_batch)
        std::erase_if(clock_, [](const auto& entry) { return entry.expired(); });
}

Outcome<PathDescriptor> InodeTable::descriptor_of(const InodePtr& inode) {
    {
        const std::lock_guard lock(mutex_);
        inode->recently_used_ = true;
        if (inode->descriptor_ != nullptr)
            return inode->descriptor_;
    }
    make_room();
    NACRE_ASSIGN(const auto descriptor, open_again(inode, max_reopen_depth));
    const std::lock_guard lock(mutex_);
    if (inode->descriptor_ == nullptr && find_locked(inode->id) != nullptr)
        give_descriptor(inode, descriptor);
    return descriptor;
}

/// Goes up to the nearest directory that is open, then opens what lies between. Not recursive: the guest
/// decides how deep its directories are.
Outcome<PathDescriptor> InodeTable::open_again(const InodePtr& inode, std::size_t max_depth) {
    struct Step {
        InodePtr inode;
        std::string name;
    };
    std::vector<Step> steps;
    PathDescriptor current;
    {
        const std::lock_guard lock(mutex_);
        InodePtr closed = inode;
        while (closed->descriptor_ == nullptr) {
            steps.push_back({closed, closed->name_});
            closed = find_locked(closed->parent_);
            if (closed == nullptr || steps.size() > max_depth)
                return refuse(ESTALE);
        }
        current = closed->descriptor_;
    }
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        auto opened = open_beneath(current->get(), step->name.c_str(), O_PATH);
        if (!opened)
            return refuse(opened.error().value == ENOENT ? ESTALE : opened.error().value);
        NACRE_ASSIGN(const struct statx status, status_of(opened->get()));
        if (identity_of(status) != step->inode->identity)
            return refuse(ESTALE);
        current = std::make_shared<const FileDescriptor>(std::move(*opened));
    }
    return current;
}

void InodeTable::hold_before_unlink(int directory, const char* name) {
    {
        const std::lock_guard lock(mutex_);
        if (evicted_ == 0 && open_descriptors_ < limits_.max_descriptors)
            return;
    }
    auto opened = open_beneath(directory, name, O_PATH);
    if (!opened)
        return;
    const auto status = status_of(opened->get());
    if (!status)
        return;
    const std::lock_guard lock(mutex_);
    const auto known = by_identity_.find(identity_of(*status));
    if (known == by_identity_.end())
        return;
    if (known->second->descriptor_ == nullptr)
        give_descriptor(known->second, std::make_shared<const FileDescriptor>(std::move(*opened)));
    known->second->name_.clear();  // until a lookup tells where it is now
}

void InodeTable::make_room() {
    for (int attempt = 0, evicted = 0; attempt < eviction_attempts && evicted < eviction_batch; ++attempt) {
        const auto candidate = next_candidate();
        if (candidate == nullptr)
            return;
        if (!is_where_last_seen(candidate))
            continue;
        evict(candidate);
        ++evicted;
    }
}

/// The next one with a descriptor that was not used since it last came by; none while there is room. It goes
/// to the end of the row.
InodePtr InodeTable::next_candidate() {
    const std::lock_guard lock(mutex_);
    if (open_descriptors_ < limits_.max_descriptors)
        return nullptr;
    for (std::size_t seen = 2 * clock_.size(); seen > 0 && !clock_.empty(); --seen) {
        const InodePtr inode = clock_.front().lock();
        clock_.pop_front();
        if (inode == nullptr || inode->descriptor_ == nullptr)
            continue;
        clock_.push_back(inode);
        const bool spared = std::exchange(inode->recently_used_, false);
        if (!spared && !inode->name_.empty())
            return inode;
    }
    return nullptr;
}

/// Whether `inode` can be found again by its directory and name.
bool InodeTable::is_where_last_seen(const InodePtr& inode) {
    std::string name;
    InodePtr parent;
    {
        const std::lock_guard lock(mutex_);
        name = inode->name_;
        parent = find_locked(inode->parent_);
    }
    if (parent == nullptr || name.empty())
        return false;
    const auto directory = open_again(parent, max_check_depth);
    if (!directory)
        return false;
    const auto opened = open_beneath((*directory)->get(), name.c_str(), O_PATH);
    if (!opened)
        return false;
    const auto status = status_of(opened->get());
    return status && identity_of(*status) == inode->identity;
}

void InodeTable::evict(const InodePtr& inode) {
    PathDescriptor closed;  // after the lock is gone
    const std::lock_guard lock(mutex_);
    if (inode->recently_used_ || inode->name_.empty() || find_locked(inode->id) == nullptr)
        return;
    closed = std::move(inode->descriptor_);
    inode->descriptor_.reset();
    if (closed == nullptr)
        return;
    --open_descriptors_;
    ++evicted_;
}

}  // namespace nacre::fuse
