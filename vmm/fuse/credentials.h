#pragma once

#include <sys/types.h>

#include <cstdint>

#include "vmm/base/result.h"

namespace nacre::fuse {

/// The identity that the calling thread shows to the host's file systems. Belongs to one thread for the
/// thread's life, and alters only that thread.
///
/// The guest's kernel has checked permissions before it sends a request, so this is not about permission: the
/// thread keeps its capabilities whoever it acts for, and new files get the guest user's ids. Each function
/// costs system calls only when something changes, so a run of requests of one user costs none.
///
/// Without the capabilities of root the ids cannot change, and everything is done as the server's own user.
class ThreadCredentials {
  public:
    /// Gives this thread an umask and a working directory of its own (unshare(CLONE_FS)), moves it to the
    /// directory `working_directory`, and with CAP_SETPCAP saves the system call that takes capabilities back
    /// after each change of user (SECBIT_NO_SETUID_FIXUP).
    static Result<ThreadCredentials> take_over_thread(int working_directory);

    /// File system user and group of what follows (setfsuid(2)); fuse::no_id means the server's own.
    void act_as(std::uint32_t user, std::uint32_t group);

    /// The umask of files created from now on.
    void set_umask(std::uint32_t mask);

    /// Whether writing, truncating and creating clears set-user-id and set-group-id bits, as it does for a
    /// process without CAP_FSETID.
    void clear_setid_bits(bool clear);

  private:
    ThreadCredentials() = default;
    void set_effective_capabilities() const;

    uid_t own_user_ = 0;
    gid_t own_group_ = 0;
    uid_t user_ = 0;
    gid_t group_ = 0;
    mode_t umask_ = 0;
    std::uint64_t capabilities_ = 0;  // permitted and inheritable, as this thread got them
    std::uint64_t inheritable_ = 0;
    bool keeps_capabilities_ = false;
    bool clears_setid_bits_ = false;
};

}  // namespace nacre::fuse
