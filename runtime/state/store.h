#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/state/container_state.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// A container's state directory, <root>/<id>. Reading needs no lock: state.json is replaced as a whole.
/// Whoever changes a container locks it first; the lock goes when the object is destroyed or its process
/// dies. flock(2) ties a lock to the open file, so a forked child that lives on must close fd() or it holds
/// the lock too.
class ContainerDirectory {
  public:
    const std::string& id() const { return id_; }
    const std::string& path() const { return path_; }
    int fd() const { return directory_.get(); }

    /// The recorded state. A missing or damaged file is an error that names `delete --force` as the remedy.
    Result<ContainerState> read() const;

    /// Replaces state.json atomically: a temporary file, then rename.
    Result<void> write(const ContainerState& state) const;

    /// Waits at most `timeout_ms` for the exclusive lock. Fails with runc's "container does not exist" if the
    /// container was removed meanwhile.
    Result<void> lock(int timeout_ms) const;

    /// Gives the lock back; also for forked processes that share it.
    void unlock() const;

    /// Removes the directory and everything in it; what is gone already is no error.
    Result<void> remove() const;

  private:
    friend class Store;
    ContainerDirectory(std::string id, std::string path, FileDescriptor directory);

    std::string id_;
    std::string path_;
    FileDescriptor directory_;
};

/// All containers below one root directory (--root). Holds no state of its own: any number of processes and
/// threads may use the same root.
class Store {
  public:
    explicit Store(std::string root) : root_(std::move(root)) {}

    const std::string& root() const { return root_; }

    /// Makes the directory of a new container, locked by the caller. Makes the root (mode 0700) if need be.
    /// Fails with runc's "container with given ID already exists".
    Result<ContainerDirectory> create(std::string_view id) const;

    /// Fails with runc's "container does not exist" (code ENOENT).
    Result<ContainerDirectory> open(std::string_view id) const;

    /// The ids of all containers, sorted. A root that does not exist is an error, as with runc.
    Result<std::vector<std::string>> list() const;

  private:
    Result<ContainerDirectory> open_directory(std::string_view id) const;

    std::string root_;
};

}  // namespace nacre::runtime
