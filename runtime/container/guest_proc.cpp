#include "runtime/container/guest_proc.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>

#include "runtime/container/proc_tree.h"
#include "runtime/vm/agent_connection.h"
#include "vmm/base/file.h"
#include "vmm/base/mount_calls.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 3'000;
constexpr int kept_ms = 10'000;
constexpr std::size_t stack_bytes = 256 << 10;

struct Tmpfs {
    FileDescriptor shown;  // the mount for others
    FileDescriptor tree;   // the root directory, to write
};

struct FileSystems {
    Tmpfs processes;
    Tmpfs terminals;
};

/// Attached over `place`, from where it is copied.
Result<Tmpfs> make_tmpfs(const TmpfsLimits& limits, int place) {
    Tmpfs made;
    NACRE_ASSIGN(made.tree, make_tmpfs_mount(limits));
    NACRE_TRY(attach_mount(made.tree.get(), place));
    NACRE_ASSIGN(made.shown, clone_mount(made.tree.get(), false));
    NACRE_TRY(change_mount(made.shown.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
    return made;
}

Result<FileSystems> make_in_new_namespace() {
    if (::unshare(CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0)
        return fail_errno("make a mount namespace");
    NACRE_ASSIGN(const auto root, open_file("/", O_PATH | O_DIRECTORY));
    FileSystems made;
    NACRE_ASSIGN(made.processes, make_tmpfs({"32m", "16384"}, root.get()));
    NACRE_ASSIGN(made.terminals, make_tmpfs({"64k", "2048"}, root.get()));
    return made;
}

/// Linux before 6.15 copies a mount only where it is attached: in a namespace that ends with the thread.
Result<FileSystems> make_file_systems() {
    Result<FileSystems> made;
    NACRE_ASSIGN(auto making,
                 Thread::start("guest-proc", stack_bytes, [&] { made = make_in_new_namespace(); }));
    making.join();
    return made;
}

/// Events of opening anything through this mount, which wait for an answer.
Result<FileDescriptor> watch_openers(int mount) {
    FileDescriptor watch(
        ::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
    if (!watch)
        return fail_errno("make a fanotify group");
    // A mark wants a descriptor that is open for more than its path.
    NACRE_ASSIGN(const auto root, open_resolved(mount, ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH));
    if (::fanotify_mark(watch.get(), FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM | FAN_ONDIR, root.get(),
                        nullptr) < 0)
        return fail_errno("watch a mount");
    return watch;
}

Result<protocol::ProcFiles> ask(const std::string& vm_directory, const std::string& id, std::uint32_t after) {
    NACRE_ASSIGN(auto answer,
                 call_agent(vm_directory, protocol::ReadProcFiles{id, after}, answer_timeout_ms));
    auto* files = std::get_if<protocol::ProcFiles>(&answer);
    if (files == nullptr)
        return fail("the guest agent gave an answer that was not asked for");
    return std::move(*files);
}

/// Page by page, until there is enough: each has at least one process more, or is the last.
Result<protocol::ProcFiles> ask_for_all(const std::string& vm_directory, const std::string& id) {
    NACRE_ASSIGN(auto files, ask(vm_directory, id, 0));
    while (files.more && !files.processes.empty() && files.processes.size() < max_shown_processes) {
        NACRE_ASSIGN(auto next, ask(vm_directory, id, files.processes.back().pid));
        files.more = next.more && !next.processes.empty();
        std::ranges::move(next.processes, std::back_inserter(files.processes));
    }
    return files;
}

}  // namespace

Result<GuestProc> GuestProc::create() {
    GuestProc made;
    NACRE_ASSIGN(auto systems, make_file_systems());
    NACRE_ASSIGN(made.watch_, watch_openers(systems.processes.shown.get()));
    struct stat root {};
    if (::fstat(systems.processes.tree.get(), &root) < 0)
        return fail_errno("look at a tmpfs");
    made.root_inode_ = root.st_ino;
    made.processes_ = std::move(systems.processes.shown);
    made.process_tree_ = std::move(systems.processes.tree);
    made.terminals_ = std::move(systems.terminals.shown);
    made.terminal_tree_ = std::move(systems.terminals.tree);
    return made;
}

void GuestProc::serve(const std::string& vm_directory, const std::string& id) {
    for (;;) {
        pollfd entry{watch_.get(), POLLIN, 0};
        const int ready = ::poll(&entry, 1, filled_ ? kept_ms : -1);
        if (ready > 0)
            answer_openers(vm_directory, id);
        else if (ready == 0)
            clear();
    }
}

void GuestProc::answer_openers(const std::string& vm_directory, const std::string& id) {
    alignas(fanotify_event_metadata) std::array<char, 4096> events;
    auto length = ::read(watch_.get(), events.data(), events.size());
    const auto* event = reinterpret_cast<const fanotify_event_metadata*>(events.data());
    for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
        const FileDescriptor opened(event->fd);
        if ((event->mask & FAN_OPEN_PERM) == 0 || !opened)
            continue;
        const bool granted = !is_root(opened.get()) || refresh(vm_directory, id);
        const fanotify_response response{opened.get(),
                                         static_cast<std::uint32_t>(granted ? FAN_ALLOW : FAN_DENY)};
        // An opener that was killed waits no more.
        (void)!::write(watch_.get(), &response, sizeof response);
    }
}

bool GuestProc::is_root(int opened) const {
    struct stat file {};
    return ::fstat(opened, &file) == 0 && file.st_ino == root_inode_;
}

bool GuestProc::refresh(const std::string& vm_directory, const std::string& id) {
    const auto files = ask_for_all(vm_directory, id);
    filled_ = true;
    return files && show_processes(process_tree_.get(), *files) &&
           show_terminals(terminal_tree_.get(), *files);
}

void GuestProc::clear() {
    clear_tree(process_tree_.get());
    clear_tree(terminal_tree_.get());
    filled_ = false;
}

}  // namespace nacre::runtime
