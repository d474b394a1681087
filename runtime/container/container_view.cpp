#include "runtime/container/container_view.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/container/disk_plan.h"
#include "runtime/container/share_plan.h"
#include "vmm/base/file.h"
#include "vmm/base/mount_calls.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t harmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

/// Of a root that is a disk nothing can be seen but where mounts are.
Result<FileDescriptor> root_tree(const oci::Spec& spec, const std::string& bundle) {
    NACRE_ASSIGN(const bool disk, has_root_disk(bundle, spec));
    return disk ? make_mount_point_tmpfs() : clone_mount(path_in_bundle(bundle, spec.root->path), true);
}

Result<FileDescriptor> attach_root(const oci::Spec& spec, const std::string& bundle,
                                   const std::string& scratch) {
    NACRE_ASSIGN(auto root, root_tree(spec, bundle));
    NACRE_TRY(change_mount(root.get(), harmless, 0, MS_PRIVATE, true));
    if (spec.root->readonly)
        NACRE_TRY(change_mount(root.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    NACRE_ASSIGN(const auto place, open_file(scratch, O_PATH | O_DIRECTORY));
    NACRE_TRY(attach_mount(root.get(), place.get()));
    return root;
}

/// What is only the guest's.
Result<FileDescriptor> make_cover_for(const oci::Mount& mount) {
    NACRE_ASSIGN(auto cover, make_mount_point_tmpfs());
    if (mount.destination == "/dev" && ::mkdirat(cover.get(), "pts", 0755) < 0)
        return fail_errno("make a place for terminals");
    NACRE_TRY(change_mount(cover.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    return cover;
}

Result<FileDescriptor> tree_of(const oci::Mount& mount, const std::string& bundle,
                               const GuestProc* guest_proc) {
    if (guest_proc != nullptr && mount.type == "proc" && mount.destination == "/proc")
        return FileDescriptor(::fcntl(guest_proc->processes(), F_DUPFD_CLOEXEC, 0));
    if (guest_proc != nullptr && mount.type == "devpts" && mount.destination == "/dev/pts")
        return FileDescriptor(::fcntl(guest_proc->terminals(), F_DUPFD_CLOEXEC, 0));
    if (!is_bind_mount(mount))
        return make_cover_for(mount);
    NACRE_ASSIGN(auto shared, clone_tree(path_in_bundle(bundle, mount.source), "", tree_options(mount)));
    NACRE_TRY(change_mount(shared.tree.get(), harmless, 0, 0, true));
    return std::move(shared.tree);
}

Result<void> show_mount(int root, const oci::Mount& mount, const std::string& bundle,
                        const GuestProc* guest_proc) {
    const auto place = open_resolved(root, mount.destination, O_PATH, RESOLVE_IN_ROOT);
    if (!place)
        return {};
    NACRE_ASSIGN(const auto tree, tree_of(mount, bundle, guest_proc));
    // A file over a directory, or the other way round: the guest has made something else of it.
    (void)attach_mount(tree.get(), place->get());
    return {};
}

/// pivot_root(2), "pivot_root(".", ".")": the old root goes, and no mount of the host is held by this
/// namespace.
Result<void> pivot_to(int root) {
    if (::fchdir(root) < 0 || ::syscall(SYS_pivot_root, ".", ".") < 0 || ::umount2(".", MNT_DETACH) < 0 ||
        ::chdir("/") < 0)
        return fail_errno("make it the root");
    return {};
}

Result<void> build_view(const oci::Spec& spec, const std::string& bundle, const std::string& scratch,
                        const GuestProc* guest_proc) {
    if (::unshare(CLONE_NEWNS) < 0)
        return fail_errno("make a mount namespace");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0)
        return fail_errno("detach mount propagation");
    NACRE_ASSIGN(const auto root, attach_root(spec, bundle, scratch));
    for (const auto& mount : spec.mounts)
        NACRE_TRY(show_mount(root.get(), mount, bundle, guest_proc));
    return pivot_to(root.get());
}

}  // namespace

Result<void> enter_container_view(const oci::Spec& spec, const std::string& bundle,
                                  const std::string& scratch, const GuestProc* guest_proc) {
    auto built = build_view(spec, bundle, scratch, guest_proc);
    if (!built)
        return add_context(std::move(built).error(), "show the container's files on the host");
    return {};
}

}  // namespace nacre::runtime
