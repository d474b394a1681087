#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/oci/spec.h"
#include "vmm/base/result.h"

namespace nacre::runtime {

/// Who makes a container's cgroup: nacre through the cgroup file systems, systemd at nacre's request, or
/// nobody (the processes stay in the caller's).
enum class CgroupManager { cgroupfs, systemd, disabled };

/// Where a container's cgroup is, as its state remembers it.
struct CgroupPlace {
    std::vector<std::string> directories;  // one a hierarchy; none: it has no cgroup of its own
    std::string unit;                      // of systemd: "nacre-c1.scope"; empty: systemd knows nothing of it
};

/// What the host's cgroup of a container is made from.
struct CgroupRequest {
    CgroupManager manager = CgroupManager::cgroupfs;
    std::string id;
    std::string path;            // linux.cgroupsPath
    oci::StringMap annotations;  // org.systemd.property.*: properties of the unit
    oci::Resources resources;    // limits.h
    std::uint64_t memory_bytes =
        0;  // what the VM as a whole may take, where the container has a memory limit
};

/// A container's cgroup on the host, in which its VMM and its relays live. One class a manager. It outlives
/// the object. Nothing here may be called by two threads at once; processes are free to.
class Cgroup {
  public:
    virtual ~Cgroup() = default;

    /// Where it is.
    const CgroupPlace& place() const { return place_; }

    /// What fork() tells both sides.
    struct Child {
        pid_t pid;            // as of fork(2): 0 in the child
        Result<void> joined;  // in the child: whether it is in the cgroup
    };

    /// fork(2) into it (fork_into.h). The caller must be single-threaded.
    Result<Child> fork() const;

    /// Sets the limits; those that `resources` does not have stay as they are. The first that the kernel or
    /// systemd refuses is the error.
    virtual Result<void> limit(const oci::Resources& resources, std::uint64_t memory_bytes) const = 0;

    /// Every process in it and below it that has a pid in the caller's namespace.
    virtual std::vector<pid_t> processes() const = 0;

    /// Lets those who watch it see an OOM kill (oom_kill.h). The calling process must be in it.
    virtual Result<void> count_oom_kill() const = 0;

    /// Kills what is left in it, waits at most `timeout_ms` for that, and removes it with everything below. A
    /// cgroup that is gone already is fine; the root of a hierarchy is refused.
    virtual Result<void> remove(int timeout_ms) const = 0;

  protected:
    explicit Cgroup(CgroupPlace place) : place_(std::move(place)) {}

  private:
    /// The directory for fork_into(); empty where there is more than a cgroup of v2, or nothing.
    virtual std::string clone_target() const = 0;

    /// Moves the calling process there.
    virtual Result<void> join() const = 0;

    CgroupPlace place_;
};

/// Makes the cgroup, with its limits. One that has processes in it already is refused: remove() would kill
/// them; so is a frozen one. On an error nothing is left that was not there before. A scope of systemd ends
/// with its last process: while the object lives it keeps one there.
Result<std::unique_ptr<Cgroup>> create_cgroup(const CgroupRequest& request);

/// One that was made earlier, or what is left of it.
std::unique_ptr<Cgroup> open_cgroup(const CgroupPlace& place);

}  // namespace nacre::runtime
