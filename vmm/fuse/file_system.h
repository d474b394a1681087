#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "vmm/base/file_descriptor.h"
#include "vmm/fuse/handle_table.h"
#include "vmm/fuse/inode_table.h"
#include "vmm/fuse/open_directory.h"
#include "vmm/fuse/outcome.h"
#include "vmm/fuse/protocol.h"

namespace nacre::fuse {

struct Options {
    /// How long the guest may go on using a name, attributes (and with them cached file content), or the
    /// absence of a name without asking again. What the host changes is seen that much later at most.
    std::chrono::nanoseconds entry_timeout = std::chrono::seconds(1);
    std::chrono::nanoseconds attribute_timeout = std::chrono::seconds(1);
    std::chrono::nanoseconds negative_timeout = std::chrono::seconds(1);
    /// Whether that holds for names on the mount of the root itself, too. Not where mounts come and go on it:
    /// what is behind a name there must be seen at once.
    bool remember_names_of_root_mount = true;

    /// Files and directories that the guest may hold open, files it may know, and O_PATH descriptors kept for
    /// them. 0: from this process's RLIMIT_NOFILE, half for each of the two kinds of descriptors.
    std::size_t max_handles = 0;
    std::size_t max_descriptors = 0;
    std::size_t max_inodes = 1U << 20;
};

/// A regular file that the guest has open.
struct OpenFile {
    FileDescriptor descriptor;
};

/// What all requests of one share work on. Safe from any thread.
class FileSystem {
  public:
    /// Of the directory `root`. `own_descriptors` is the directory of this process's descriptors
    /// (proc_pid_fd(5)): threads have it for their working directory. No fork may come after.
    static Result<std::unique_ptr<FileSystem>> create(FileDescriptor root, FileDescriptor own_descriptors,
                                                      Options options);

    const Options& options() const { return options_; }
    InodeTable& inodes() { return *inodes_; }
    HandleTable<OpenFile>& files() { return files_; }
    HandleTable<OpenDirectory>& directories() { return directories_; }
    BufferBudget& directory_buffers() { return directory_buffers_; }

    /// A directory whose entries are this process's descriptors.
    int descriptor_directory() const { return descriptor_directory_.get(); }

    /// inodes().find() and descriptor_of() in one.
    Outcome<PathDescriptor> descriptor_of(NodeId id);

    /// Opens the regular file or directory behind an O_PATH descriptor. Callers have checked that it is one:
    /// devices, FIFOs and sockets are never opened here, the guest's kernel handles them.
    Outcome<FileDescriptor> open_again(int path_descriptor, int flags) const;

    /// How long a name in `parent` (or its absence) may be remembered, if it is `timeout` elsewhere.
    std::chrono::nanoseconds memory_of_names(const Inode& parent, std::chrono::nanoseconds timeout) const;

    /// Looks up `name` in `parent`: the answer to LOOKUP, and one more lookup counted.
    Outcome<fuse_entry_out> look_up(const Inode& parent, int parent_descriptor, const char* name);

    /// The same for a file that has been opened: `path_descriptor` is its own.
    Outcome<fuse_entry_out> add_entry(const Inode& parent, FileDescriptor path_descriptor, const char* name);

    /// Forgets all that a guest knew and held.
    void reset();

    /// Whether INIT has been answered.
    bool initialized() const { return initialized_.load(std::memory_order_acquire); }
    void set_initialized(bool value) { initialized_.store(value, std::memory_order_release); }

  private:
    FileSystem(const Options& options, FileDescriptor descriptor_directory,
               std::unique_ptr<InodeTable> inodes);

    Options options_;
    FileDescriptor descriptor_directory_;
    std::unique_ptr<InodeTable> inodes_;
    std::uint64_t root_mount_;
    HandleTable<OpenFile> files_;
    BufferBudget directory_buffers_{64};
    HandleTable<OpenDirectory> directories_;
    std::atomic<bool> initialized_ = false;
};

}  // namespace nacre::fuse
