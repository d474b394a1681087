#include "guest-agent/requests.h"

#include <signal.h>

#include <utility>

#include "guest-agent/container/mounts.h"
#include "guest-agent/container/paths.h"
#include "guest-agent/container/proc_files.h"
#include "guest-agent/container/process_table.h"
#include "guest-agent/container/usage.h"
#include "guest-agent/container/user_namespace.h"
#include "guest-agent/hotplug.h"
#include "guest-agent/network/configure.h"
#include "guest-agent/online_cpus.h"
#include "runtime/oci/parser.h"

namespace nacre::agent {

namespace {

using namespace protocol;
using WeakConnection = std::weak_ptr<ControlConnection>;

Failed failed(const Error& error) {
    return {static_cast<std::uint32_t>(std::max(error.code, 0)), error.message};
}

Message done_or_failed(const Result<void>& result) {
    if (!result)
        return failed(result.error());
    return Done{};
}

// --- CreateContainer

bool is_container_id(const std::string& id) {
    constexpr std::size_t longest = 1024;
    return id.size() <= longest && is_share_path(id) && id.find('/') == std::string::npos;
}

Result<MountSources> checked_sources(const std::vector<MountSource>& sources,
                                     const std::vector<oci::Mount>& mounts) {
    MountSources checked;
    for (const auto& source : sources) {
        if (source.index >= mounts.size() || !may_have_source(mounts[source.index]))
            return fail_with(EINVAL, "source for mount {}, which has none in the share", source.index);
        if (!is_share_path(source.path))
            return fail_with(EINVAL, "source \"{}\" of mount {} is not a path below the share", source.path,
                             source.index);
        if (!checked.emplace(source.index, source).second)
            return fail_with(EINVAL, "two sources for mount {}", source.index);
    }
    return checked;
}

/// Each stands for one thing, and each thing has one at most.
Result<DiskNames> checked_disks(const std::vector<Disk>& disks, const oci::Spec& spec) {
    DiskNames names;
    for (const auto& disk : disks) {
        const auto things = disk.role == DiskRole::mount ? spec.mounts.size() : spec.linux.devices.size();
        if (disk.role != DiskRole::root && disk.index >= things)
            return fail_with(EINVAL, "disk {} for nothing in the configuration", disk.name);
        const bool first = disk.role == DiskRole::root ? std::exchange(names.root, disk.name).empty()
                           : disk.role == DiskRole::mount
                               ? names.mounts.emplace(disk.index, disk.name).second
                               : names.devices.emplace(disk.index, disk.name).second;
        if (!first)
            return fail_with(EINVAL, "two disks for the same place: {}", disk.name);
    }
    return names;
}

/// The namespaces of other containers that this one shares. Those of one that has ended are gone.
Result<JoinedNamespaces> joined_namespaces(Agent& agent, const std::vector<SharedNamespace>& shared,
                                           const oci::Linux& linux_config) {
    JoinedNamespaces joined;
    for (const auto& entry : shared) {
        const auto type = oci::namespace_type(entry.type);
        const auto* wanted = type ? linux_config.find_namespace(*type) : nullptr;
        if (wanted == nullptr || wanted->path.empty())
            return fail_with(EINVAL, "namespace \"{}\", which the configuration does not join", entry.type);
        NACRE_ASSIGN(auto* container, agent.find_container(entry.container));
        if (container->init().is_gone() || !container->init().is_set_up())
            return fail_with(ESRCH, "join the {} namespace of container {}: it is not running", entry.type,
                             entry.container);
        NACRE_ASSIGN(auto opened, open_namespace(container->init().pid(), *type));
        if (!joined.emplace(*type, std::move(opened)).second)
            return fail_with(EINVAL, "two {} namespaces to join", entry.type);
    }
    return joined;
}

/// A user namespace that was made before the sandbox, as CRI-O does, cannot be entered by a guest: one with
/// the same mappings takes its place. Without mappings it is the one that the host itself has.
Result<void> settle_user_namespace(oci::Linux& linux_config, const JoinedNamespaces& joined) {
    const bool mapped = !linux_config.uid_mappings.empty() && !linux_config.gid_mappings.empty();
    for (auto& entry : linux_config.namespaces) {
        if (entry.type == oci::NamespaceType::user && mapped && !joined.contains(entry.type))
            entry.path.clear();
    }
    if (!joined.empty() && has_user_namespace(linux_config))
        return fail_with(
            EINVAL, "a container with a user namespace of its own cannot join namespaces of another one");
    return {};
}

/// The last of the mounts and of the variables: nothing covers it.
void add_notify_socket(InitPlan& plan, const std::string& path) {
    oci::Mount mount;
    mount.destination = path;
    mount.type = "bind";
    plan.spec.mounts.push_back(std::move(mount));
    plan.spec.process->env.push_back("NOTIFY_SOCKET=" + path);
    plan.notify_socket = true;
}

Result<InitPlan> plan_of(Agent& agent, const CreateContainer& request) {
    if (!is_container_id(request.id))
        return fail_with(EINVAL, "invalid container ID format: {}", request.id);
    if (!request.rootfs.empty() && !is_share_path(request.rootfs))
        return fail_with(EINVAL, "rootfs \"{}\" is not a path below the share", request.rootfs);
    InitPlan plan;
    NACRE_ASSIGN(plan.spec, oci::parse_config(request.config));
    if (!plan.spec.process || !plan.spec.root)
        return fail_with(EINVAL, "config.json: process and root are needed");
    NACRE_ASSIGN(plan.sources, checked_sources(request.mounts, plan.spec.mounts));
    NACRE_ASSIGN(plan.disks, checked_disks(request.disks, plan.spec));
    if (request.rootfs.empty() == plan.disks.root.empty())
        return fail_with(EINVAL, "the root is either below the share or a disk");
    NACRE_ASSIGN(plan.translations, renumber_devices(plan.spec.linux.devices, plan.disks.devices));
    plan.id = request.id;
    plan.rootfs = request.rootfs;
    plan.host_rootfs = request.host_rootfs;
    plan.share = agent.environment().share;
    plan.member = request.member;
    NACRE_ASSIGN(plan.joined, joined_namespaces(agent, request.namespaces, plan.spec.linux));
    NACRE_TRY(settle_user_namespace(plan.spec.linux, plan.joined));
    plan.descriptors = request.descriptors;
    plan.callers_terminal = request.callers_terminal;
    if (!request.notify_socket.empty())
        add_notify_socket(plan, request.notify_socket);
    return plan;
}

void answer_created(Agent& agent, const std::string& id, const WeakConnection& owner,
                    const Result<void>& result) {
    const auto connection = owner.lock();
    const auto container = agent.find_container(id);
    if (result && container && connection)
        connection->answer(Created{static_cast<std::uint32_t>((*container)->init().pid())});
    else if (connection)
        connection->answer(failed(result ? Error{"the container is gone", 0} : result.error()));
}

/// The container's process is gone and its output passed on.
void on_finished(Agent& agent, const std::string& id, const WeakConnection& owner, bool created,
                 const Exited& exited) {
    const auto connection = owner.lock();
    const bool owned = connection && connection->is_open();
    if (owned && created)
        connection->send(exited);
    // A container that never came to be has nobody to delete it.
    if (!created)
        agent.remove_container(id);
    if (!owned)
        agent.stop_using(id);
}

/// The owner has gone: with its account of the exit, or without. `made`: whether there is a container of its.
void on_owner_gone(Agent& agent, const std::string& id, bool made) {
    const auto container = agent.find_container(id);
    if (made && container && !(*container)->is_finished())
        (*container)->kill_all();
    else
        agent.stop_using(id);
}

Container::Events container_events(Agent& agent, ControlConnection& connection,
                                   const CreateContainer& request) {
    const WeakConnection owner = connection.weak_from_this();
    const auto created = std::make_shared<bool>(false);
    Container::Events events;
    events.created = [&agent, id = request.id, owner, created](const Result<void>& result) {
        *created = result.has_value();
        answer_created(agent, id, owner, result);
    };
    events.out_of_memory = [owner] {
        if (const auto connected = owner.lock())
            connected->send(OutOfMemory{});
    };
    events.names_wanted = [owner] {
        if (const auto connected = owner.lock())
            connected->send(NamesWanted{});
    };
    events.finished = [&agent, id = request.id, owner, created](int status, bool out_of_memory) {
        on_finished(agent, id, owner, *created,
                    {static_cast<std::uint32_t>(status), out_of_memory, agent.stays_without(id)});
    };
    return events;
}

Result<void> create_container(Agent& agent, ControlConnection& connection, const CreateContainer& request) {
    NACRE_ASSIGN(const auto plan, plan_of(agent, request));
    return agent.create_container(plan, container_events(agent, connection, request));
}

void handle(Agent& agent, ControlConnection& connection, const CreateContainer& request) {
    if (request.keep_vm)
        agent.stay();
    agent.use(request.id);
    // Also for a container that cannot be made: it may be all that the VM is for.
    const auto made = std::make_shared<bool>(false);
    connection.when_closed([&agent, id = request.id, made] { on_owner_gone(agent, id, *made); });
    const auto created = create_container(agent, connection, request);
    *made = created.has_value();
    if (!created)
        connection.answer(failed(created.error()));
}

// --- The others

void handle(Agent& agent, ControlConnection& connection, const StartContainer& request) {
    const auto container = agent.find_container(request.id);
    auto started =
        container ? (*container)
                        ->init()
                        .start([&agent, owner = connection.weak_from_this()](const Result<void>& result) {
                            if (result)
                                agent.environment().container_started();
                            if (const auto connected = owner.lock())
                                connected->answer(done_or_failed(result));
                        })
                  : Result<void>(tl::unexpected(container.error()));
    if (!started)
        connection.answer(failed(started.error()));
}

void handle(Agent& agent, ControlConnection& connection, const RunHooks& request) {
    if (request.stage != "createContainer" && request.stage != "startContainer") {
        connection.answer(failed({fmt::format("hooks of stage \"{}\"", request.stage), EINVAL}));
        return;
    }
    const auto container = agent.find_container(request.id);
    auto running = container
                       ? (*container)
                             ->run_hooks(request.stage, request.state,
                                         [asker = connection.weak_from_this()](const Result<void>& result) {
                                             if (const auto connected = asker.lock())
                                                 connected->answer(done_or_failed(result));
                                         })
                       : Result<void>(tl::unexpected(container.error()));
    if (!running)
        connection.answer(failed(running.error()));
}

// --- ExecProcess

void forget_exec(Agent& agent, const ProcessName& name) {
    if (const auto container = agent.find_container(name.container))
        (*container)->forget_exec(name.exec);
}

/// Kept until the owner has gone: it may attach to the output yet.
void on_exec_finished(Agent& agent, const ProcessName& name, const WeakConnection& owner, bool running,
                      int status) {
    const auto connection = owner.lock();
    if (!connection || !connection->is_open() || !running)
        forget_exec(agent, name);
    else
        connection->send(Exited{static_cast<std::uint32_t>(status), false});
}

void on_exec_owner_gone(Agent& agent, const ProcessName& name) {
    const auto process = agent.find_process(name);
    if (process && (*process)->is_gone())
        forget_exec(agent, name);
    else if (process)
        (void)(*process)->signal(SIGKILL);
}

/// An exec'd process has no request to start it: it starts when it is set up. The answer comes when its
/// program runs, or cannot be executed.
void start_exec(Agent& agent, const ProcessName& name, const Process::Answer& answer,
                const Result<void>& set_up) {
    const auto process = agent.find_process(name);
    if (!set_up || !process) {
        answer(set_up ? Result<void>(tl::unexpected(process.error())) : set_up);
        return;
    }
    if (auto started = (*process)->start(answer); !started)
        answer(started);
}

Result<void> exec_process(Agent& agent, ControlConnection& connection, const ExecProcess& request) {
    if (!is_container_id(request.name.exec))
        return fail_with(EINVAL, "process name \"{}\"", request.name.exec);
    NACRE_ASSIGN(auto* container, agent.find_container(request.name.container));
    NACRE_ASSIGN(auto process, oci::parse_process(request.process));
    const auto running = std::make_shared<bool>(false);
    const WeakConnection owner = connection.weak_from_this();
    const Process::Answer answer = [&agent, name = request.name, owner, running](const Result<void>& result) {
        *running = result.has_value();
        const auto connected = owner.lock();
        const auto started = agent.find_process(name);
        if (connected && result && started)
            connected->answer(Created{static_cast<std::uint32_t>((*started)->pid())});
        else if (connected)
            connected->answer(failed(result ? started.error() : result.error()));
    };
    return container->exec(
        request, std::move(process),
        [&agent, name = request.name, answer](const Result<void>& result) {
            start_exec(agent, name, answer, result);
        },
        [&agent, name = request.name, owner, running](int status) {
            on_exec_finished(agent, name, owner, *running, status);
        });
}

void handle(Agent& agent, ControlConnection& connection, const ExecProcess& request) {
    if (auto made = exec_process(agent, connection, request); !made) {
        connection.answer(failed(made.error()));
        return;
    }
    connection.when_closed([&agent, name = request.name] { on_exec_owner_gone(agent, name); });
}

Result<void> signal_process(Agent& agent, const SignalProcess& request) {
    const auto signal = static_cast<int>(request.signal);
    if (!request.all) {
        NACRE_ASSIGN(const auto* process, agent.find_process(request.name));
        return process->signal(signal);
    }
    NACRE_ASSIGN(auto* container, agent.find_container(request.name.container));
    container->cgroup().signal_all(signal);
    return {};
}

void handle(Agent& agent, ControlConnection& connection, const SignalProcess& request) {
    connection.answer(done_or_failed(signal_process(agent, request)));
}

Result<void> resize_terminal(Agent& agent, const ResizeTerminal& request) {
    NACRE_ASSIGN(auto* process, agent.find_process(request.name));
    return process->streams().resize(request.rows, request.columns);
}

void handle(Agent& agent, ControlConnection& connection, const ResizeTerminal& request) {
    connection.answer(done_or_failed(resize_terminal(agent, request)));
}

Result<void> delete_container(Agent& agent, const std::string& id) {
    NACRE_ASSIGN(const auto* container, agent.find_container(id));
    if (!container->is_finished())
        return fail_with(EBUSY, "cannot delete container {} that is not stopped", id);
    agent.remove_container(id);
    return {};
}

void handle(Agent& agent, ControlConnection& connection, const DeleteContainer& request) {
    connection.answer(done_or_failed(delete_container(agent, request.id)));
}

void handle(Agent& agent, ControlConnection& connection, const FreezeContainer& request) {
    const auto container = agent.find_container(request.id);
    if (!container) {
        connection.answer(failed(container.error()));
        return;
    }
    (*container)
        ->freezer()
        .set(request.frozen, [asker = connection.weak_from_this()](const Result<void>& result) {
            if (const auto connected = asker.lock())
                connected->answer(done_or_failed(result));
        });
}

Result<void> update_container(Agent& agent, const UpdateContainer& request) {
    NACRE_ASSIGN(auto* container, agent.find_container(request.id));
    NACRE_ASSIGN(const auto resources, oci::parse_resources(request.resources));
    return container->update(resources);
}

void handle(Agent& agent, ControlConnection& connection, const UpdateContainer& request) {
    connection.answer(done_or_failed(update_container(agent, request)));
}

void handle(Agent& agent, ControlConnection& connection, const ListProcesses& request) {
    const auto container = agent.find_container(request.id);
    if (container)
        connection.answer(describe_processes((*container)->cgroup().processes()));
    else
        connection.answer(failed(container.error()));
}

Result<ProcFiles> proc_files(Agent& agent, const ReadProcFiles& request) {
    NACRE_ASSIGN(auto* container, agent.find_container(request.id));
    if (container->init().is_gone())
        return fail_with(ESRCH, "container {} has ended", request.id);
    return read_proc_files(container->init().pid(), request.after);
}

void handle(Agent& agent, ControlConnection& connection, const ReadProcFiles& request) {
    auto files = proc_files(agent, request);
    if (files)
        connection.answer(std::move(*files));
    else
        connection.answer(failed(files.error()));
}

void handle(Agent& agent, ControlConnection& connection, const ReadCgroup& request) {
    const auto container = agent.find_container(request.id);
    if (container)
        connection.answer(CgroupFiles{read_figures((*container)->cgroup())});
    else
        connection.answer(failed(container.error()));
}

Result<void> watch_container(Agent& agent, ControlConnection& connection, const std::string& id) {
    NACRE_ASSIGN(auto* container, agent.find_container(id));
    if (container->is_finished())
        return fail("container {} has ended", id);
    container->add_watcher(connection.shared_from_this());
    return {};
}

void handle(Agent& agent, ControlConnection& connection, const WatchContainer& request) {
    connection.answer(done_or_failed(watch_container(agent, connection, request.id)));
}

Result<void> watch_notifications(Agent& agent, ControlConnection& connection, const std::string& id) {
    NACRE_ASSIGN(auto* container, agent.find_container(id));
    if (container->is_finished())
        return fail("container {} has ended", id);
    return container->add_notification_watcher(connection.shared_from_this());
}

void handle(Agent& agent, ControlConnection& connection, const WatchNotifications& request) {
    connection.answer(done_or_failed(watch_notifications(agent, connection, request.id)));
}

void handle(Agent& agent, ControlConnection& connection, const ProbeDevice& request) {
    const auto found = probe_device(agent.environment().sysfs, request.slot);
    if (found)
        connection.answer(DeviceFound{found->kind, found->name});
    else
        connection.answer(failed(found.error()));
}

void handle(Agent& agent, ControlConnection& connection, const ReleaseDevice& request) {
    connection.answer(done_or_failed(release_device(agent.environment().sysfs, request.slot)));
}

void handle(Agent& agent, ControlConnection& connection, const SetOnlineCpus& request) {
    const auto online = set_online_cpus(agent.environment().sysfs, request.at_least, request.at_most);
    connection.answer(OnlineCpus{online});
}

Result<void> configure(Agent& agent, const ConfigureNetwork& request) {
    NACRE_ASSIGN(auto* container, agent.find_container(request.id));
    if (container->init().is_gone())
        return fail_with(ESRCH, "container {} has ended", request.id);
    NACRE_TRY(configure_network(request, container->init().pid()));
    return request.name_server ? container->want_names() : Result<void>();
}

void handle(Agent& agent, ControlConnection& connection, const ConfigureNetwork& request) {
    connection.answer(done_or_failed(configure(agent, request)));
}

Result<void> serve_names(Agent& agent, ControlConnection& connection, const std::string& id) {
    NACRE_ASSIGN(auto* container, agent.find_container(id));
    return container->serve_names(connection.shared_from_this());
}

void handle(Agent& agent, ControlConnection& connection, const ServeNames& request) {
    connection.answer(done_or_failed(serve_names(agent, connection, request.id)));
}

void handle(Agent& agent, ControlConnection& connection, const NameAnswer& request) {
    if (const auto container = agent.find_container(request.id))
        (*container)->answer_name(request);
    connection.answer(Done{});
}

void handle(Agent& agent, ControlConnection&, const Shutdown&) {
    agent.power_off();
}

/// Messages that are not the host's to send, or not on this port: the peer does not speak this protocol.
template <class T>
void handle(Agent&, ControlConnection& connection, const T&) {
    connection.close();
}

// --- The stream port. True if the connection's socket was taken.

bool attach_stream(Agent& agent, ControlConnection& connection, const AttachStream& request) {
    const auto process = agent.find_process(request.name);
    if (!process) {
        connection.answer(failed(process.error()));
        return false;
    }
    auto& streams = (*process)->streams();
    if (auto attachable = streams.check_attachable(request.stream); !attachable) {
        connection.answer(failed(attachable.error()));
        return false;
    }
    (void)streams.attach(request.stream, connection.release(), frame(encode(Done{})).value_or(""));
    return true;
}

Result<FileDescriptor> connected_port(Agent& agent, const ConnectPort& request) {
    NACRE_ASSIGN(auto* container, agent.find_container(request.id));
    if (container->init().is_gone())
        return fail_with(ESRCH, "container {} has ended", request.id);
    if (!agent.port_connections().has_room())
        return fail_with(EMFILE, "connect to port {} of the container", request.port);
    return connect_to_port(container->init().pid(), request.port);
}

bool connect_port(Agent& agent, ControlConnection& connection, const ConnectPort& request) {
    auto port = connected_port(agent, request);
    if (!port) {
        connection.answer(failed(port.error()));
        return false;
    }
    (void)agent.port_connections().add(std::move(*port), connection.release(),
                                       frame(encode(Done{})).value_or(""));
    return true;
}

}  // namespace

void handle_control(Agent& agent, ControlConnection& connection, Message message) {
    std::visit([&](const auto& request) { handle(agent, connection, request); }, message);
}

bool handle_stream(Agent& agent, ControlConnection& connection, const Message& message) {
    if (const auto* attach = std::get_if<AttachStream>(&message))
        return attach_stream(agent, connection, *attach);
    if (const auto* connect = std::get_if<ConnectPort>(&message))
        return connect_port(agent, connection, *connect);
    connection.close();
    return false;
}

}  // namespace nacre::agent
