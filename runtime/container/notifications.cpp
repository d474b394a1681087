#include "runtime/container/notifications.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string_view>

#include "runtime/container/share_plan.h"
#include "runtime/oci/path_inside.h"
#include "runtime/relay/notify_socket.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

constexpr int answer_timeout_ms = 60'000;
constexpr int barrier_timeout_ms = 30'000;
constexpr std::size_t stack_bytes = 256 << 10;
constexpr std::string_view variable = "NOTIFY_SOCKET=";

/// Where runc has it.
constexpr const char* usual_path = "/run/notify/notify.sock";

/// Of several variables of one name the last counts.
std::string configured_address(const oci::Spec& spec) {
    std::string address;
    for (const auto& entry : spec.process->env) {
        if (entry.starts_with(variable))
            address = entry.substr(variable.size());
    }
    return address;
}

/// What the last mount that holds `path` calls it: "/name", or "/" for the mount itself.
const oci::Mount* mount_of(const oci::Spec& spec, const std::string& path, std::string& inside) {
    const oci::Mount* found = nullptr;
    for (const auto& mount : spec.mounts) {
        if (const auto name = oci::path_inside(mount.destination, path)) {
            found = &mount;
            inside = *name;
        }
    }
    return found;
}

/// No link below the mount's source is followed: a container may have put it there.
Result<FileDescriptor> open_source(const std::string& source, const std::string& inside) {
    if (inside == "/")
        return open_file(source, O_PATH | O_NOFOLLOW);
    NACRE_ASSIGN(const auto directory, open_file(source, O_PATH | O_DIRECTORY));
    return open_resolved(directory.get(), inside.substr(1), O_PATH | O_NOFOLLOW,
                         RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

FileDescriptor connect_configured(const oci::Spec& spec, const std::string& bundle, const std::string& path) {
    std::string inside;
    const auto* mount = mount_of(spec, path, inside);
    if (mount == nullptr || !is_bind_mount(*mount))
        return {};
    const auto file = open_source(path_in_bundle(bundle, mount->source), inside);
    auto socket = file ? connect_notify_socket(*file) : tl::unexpected(file.error());
    return socket ? std::move(*socket) : FileDescriptor();
}

Result<AgentConnection> watch_notifications(const std::string& vm_directory, const std::string& id) {
    NACRE_ASSIGN(auto watch,
                 AgentConnection::connect(vm_directory, protocol::control_port, answer_timeout_ms));
    NACRE_TRY(watch.call(protocol::WatchNotifications{id}, answer_timeout_ms));
    return watch;
}

/// The next message of a container; none when it has ended.
std::optional<std::string> next_notification(AgentConnection& watch) {
    const auto message = watch.receive(-1);
    const auto* notification = message ? std::get_if<protocol::Notification>(&*message) : nullptr;
    return notification == nullptr ? std::nullopt : std::optional(notification->text);
}

void pass_on(AgentConnection& watch, const FileDescriptor& receiver) {
    // A receiver that has gone, or lets messages pile up, loses them, as it does those of the host's
    // processes.
    while (const auto text = next_notification(watch))
        ::send(receiver.get(), text->data(), text->size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

std::string notify_socket_address() {
    const char* address = std::getenv("NOTIFY_SOCKET");
    return address == nullptr ? "" : address;
}

NotifyPlan plan_notify_socket(const std::string& address, const oci::Spec& spec, const std::string& bundle) {
    if (!address.empty())
        return {usual_path, {}};
    auto path = configured_address(spec);
    auto receiver = path.starts_with('/') ? connect_configured(spec, bundle, path) : FileDescriptor();
    return receiver ? NotifyPlan{std::move(path), std::move(receiver)} : NotifyPlan{};
}

Result<NotificationRelay> NotificationRelay::start(const std::string& vm_directory, const std::string& id,
                                                   FileDescriptor receiver) {
    NotificationRelay relay;
    if (!receiver)
        return relay;
    NACRE_ASSIGN(auto watch, watch_notifications(vm_directory, id));
    auto passing = [watch = std::move(watch), receiver = std::move(receiver)]() mutable {
        pass_on(watch, receiver);
    };
    NACRE_ASSIGN(auto thread, Thread::start("notifications", stack_bytes, std::move(passing)));
    relay.thread_.emplace(std::move(thread));
    return relay;
}

Result<Readiness> Readiness::watch(const std::string& vm_directory, const std::string& id) {
    const auto address = notify_socket_address();
    Readiness readiness;
    if (address.empty())
        return readiness;
    NACRE_ASSIGN(readiness.manager_, connect_notify_socket(address));
    NACRE_ASSIGN(readiness.watch_, watch_notifications(vm_directory, id));
    return readiness;
}

Result<bool> Readiness::wait_and_tell(pid_t main_pid) {
    if (!watch_)
        return false;
    auto text = next_notification(*watch_);
    while (text && !says_ready(*text))
        text = next_notification(*watch_);
    if (!text)
        return false;
    NACRE_TRY(send_notification(manager_, "READY=1\n"));
    NACRE_TRY(send_notification(manager_, fmt::format("MAINPID={}\n", main_pid)));
    return true;
}

Result<void> Readiness::settle() const {
    return manager_ ? notify_barrier(manager_, barrier_timeout_ms) : Result<void>();
}

}  // namespace nacre::runtime
