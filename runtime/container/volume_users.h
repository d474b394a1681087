#pragma once

#include <string>
#include <vector>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Which containers of a VM use which volumes of its share. In the guest a volume is one file system for all of
/// them, so that their sockets, locks and memory maps of its files meet; it stays as long as one of them is there.
///
/// Kept in the VM's directory as it is in the share: an empty file VOLUME/ID for each container ID that uses VOLUME
/// ("volumes/<key>/<name>", share_plan.h). Locked against other processes while the object lives.
class VolumeUsers {
  public:
    /// Waits at most 30 s for the lock.
    static Result<VolumeUsers> lock(const std::string& vm_directory);

    bool has_any(const std::string& volume) const;
    Result<void> add(const std::string& volume, const std::string& id) const;

    /// Container `id` has gone: returns the volumes that nobody uses any more.
    Result<std::vector<std::string>> remove(const std::string& id) const;

  private:
    VolumeUsers(std::string directory, FileDescriptor lock)
        : directory_(std::move(directory)), lock_(std::move(lock)) {}

    std::string directory_;  // the VM's
    FileDescriptor lock_;
};

}  // namespace nacre::runtime
