#include "guest-agent/protocol/messages.h"

#include "vmm/base/json_form.h"

/// The JSON form of every type: its members, by name.
namespace nacre::json {

using namespace protocol;

namespace {

Result<void> check_descriptors(const std::vector<PassedDescriptor>& descriptors) {
    if (descriptors.size() > max_passed_descriptors)
        return fail("{} descriptors are too many", descriptors.size());
    for (const auto& descriptor : descriptors) {
        if (!descriptor.readable && !descriptor.writable)
            return fail("a descriptor that is neither readable nor writable");
    }
    return {};
}

template <class T>
Result<void> check_length(const std::vector<T>& list, std::size_t longest, const char* what) {
    if (list.size() > longest)
        return fail("{} {} are too many", list.size(), what);
    return {};
}

Result<void> check_name_message(const std::string& message) {
    if (message.size() > max_name_message_bytes)
        return fail("a DNS message of {} bytes is too long", message.size());
    return {};
}

}  // namespace

template <>
struct Form<ProcessName> {
    static constexpr std::tuple members{Member{"container", &ProcessName::container},
                                        Member{"exec", &ProcessName::exec}};
};
template <>
struct Names<DiskRole> {
    static constexpr std::array<std::pair<DiskRole, std::string_view>, 3> values{
        {{DiskRole::root, "root"}, {DiskRole::mount, "mount"}, {DiskRole::device, "device"}}};
};
template <>
struct Form<Disk> {
    static constexpr std::tuple members{Member{"role", &Disk::role}, Member{"index", &Disk::index},
                                        Member{"name", &Disk::name}};
};
template <>
struct Form<MountSource> {
    static constexpr std::tuple members{Member{"index", &MountSource::index},
                                        Member{"path", &MountSource::path},
                                        Member{"below", &MountSource::below}};
};
template <>
struct Form<SharedNamespace> {
    static constexpr std::tuple members{Member{"type", &SharedNamespace::type},
                                        Member{"container", &SharedNamespace::container}};
};
template <>
struct Form<Stream> {
    static constexpr std::tuple members{Member{"descriptor", &Stream::descriptor},
                                        Member{"input", &Stream::input}};
};
template <>
struct Form<PassedDescriptor> {
    static constexpr std::tuple members{Member{"readable", &PassedDescriptor::readable},
                                        Member{"writable", &PassedDescriptor::writable}};
};
template <>
struct Form<Hello> {
    static constexpr std::string_view type = "hello";
    static constexpr std::tuple members{Member{"version", &Hello::version}};
};
template <>
struct Form<Shutdown> {
    static constexpr std::string_view type = "shutdown";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<CreateContainer> {
    static constexpr std::string_view type = "create_container";
    static constexpr std::tuple members{Member{"id", &CreateContainer::id},
                                        Member{"config", &CreateContainer::config},
                                        Member{"rootfs", &CreateContainer::rootfs},
                                        Member{"host_rootfs", &CreateContainer::host_rootfs},
                                        Member{"mounts", &CreateContainer::mounts},
                                        Member{"disks", &CreateContainer::disks},
                                        Member{"member", &CreateContainer::member},
                                        Member{"keep_vm", &CreateContainer::keep_vm},
                                        Member{"callers_terminal", &CreateContainer::callers_terminal},
                                        Member{"namespaces", &CreateContainer::namespaces},
                                        Member{"descriptors", &CreateContainer::descriptors},
                                        Member{"notify_socket", &CreateContainer::notify_socket}};
    static Result<void> check(const CreateContainer& message) {
        return check_descriptors(message.descriptors);
    }
};
template <>
struct Form<RunHooks> {
    static constexpr std::string_view type = "run_hooks";
    static constexpr std::tuple members{Member{"id", &RunHooks::id}, Member{"stage", &RunHooks::stage},
                                        Member{"state", &RunHooks::state}};
};
template <>
struct Form<StartContainer> {
    static constexpr std::string_view type = "start_container";
    static constexpr std::tuple members{Member{"id", &StartContainer::id}};
};
template <>
struct Form<ExecProcess> {
    static constexpr std::string_view type = "exec_process";
    static constexpr std::tuple members{
        Member{"name", &ExecProcess::name}, Member{"process", &ExecProcess::process},
        Member{"cgroup", &ExecProcess::cgroup}, Member{"descriptors", &ExecProcess::descriptors},
        Member{"callers_terminal", &ExecProcess::callers_terminal}};
    static Result<void> check(const ExecProcess& message) { return check_descriptors(message.descriptors); }
};
template <>
struct Form<SignalProcess> {
    static constexpr std::string_view type = "signal_process";
    static constexpr std::tuple members{Member{"name", &SignalProcess::name},
                                        Member{"signal", &SignalProcess::signal},
                                        Member{"all", &SignalProcess::all}};
    static Result<void> check(const SignalProcess& message) {
        constexpr std::uint32_t last_signal = 64;
        if (message.signal > last_signal)
            return fail("{} is not a signal", message.signal);
        return {};
    }
};
template <>
struct Form<ResizeTerminal> {
    static constexpr std::string_view type = "resize_terminal";
    static constexpr std::tuple members{Member{"name", &ResizeTerminal::name},
                                        Member{"rows", &ResizeTerminal::rows},
                                        Member{"columns", &ResizeTerminal::columns}};
};
template <>
struct Form<DeleteContainer> {
    static constexpr std::string_view type = "delete_container";
    static constexpr std::tuple members{Member{"id", &DeleteContainer::id}};
};
template <>
struct Form<FreezeContainer> {
    static constexpr std::string_view type = "freeze_container";
    static constexpr std::tuple members{Member{"id", &FreezeContainer::id},
                                        Member{"frozen", &FreezeContainer::frozen}};
};
template <>
struct Form<UpdateContainer> {
    static constexpr std::string_view type = "update_container";
    static constexpr std::tuple members{Member{"id", &UpdateContainer::id},
                                        Member{"resources", &UpdateContainer::resources}};
};
template <>
struct Form<ListProcesses> {
    static constexpr std::string_view type = "list_processes";
    static constexpr std::tuple members{Member{"id", &ListProcesses::id}};
};
template <>
struct Form<ReadProcFiles> {
    static constexpr std::string_view type = "read_proc_files";
    static constexpr std::tuple members{Member{"id", &ReadProcFiles::id},
                                        Member{"after", &ReadProcFiles::after}};
};
template <>
struct Form<ReadCgroup> {
    static constexpr std::string_view type = "read_cgroup";
    static constexpr std::tuple members{Member{"id", &ReadCgroup::id}};
};
template <>
struct Form<WatchContainer> {
    static constexpr std::string_view type = "watch_container";
    static constexpr std::tuple members{Member{"id", &WatchContainer::id}};
};
template <>
struct Form<WatchNotifications> {
    static constexpr std::string_view type = "watch_notifications";
    static constexpr std::tuple members{Member{"id", &WatchNotifications::id}};
};
template <>
struct Form<ProbeDevice> {
    static constexpr std::string_view type = "probe_device";
    static constexpr std::tuple members{Member{"slot", &ProbeDevice::slot}};
};
template <>
struct Form<ReleaseDevice> {
    static constexpr std::string_view type = "release_device";
    static constexpr std::tuple members{Member{"slot", &ReleaseDevice::slot}};
};
template <>
struct Form<SetOnlineCpus> {
    static constexpr std::string_view type = "set_online_cpus";
    static constexpr std::tuple members{Member{"at_least", &SetOnlineCpus::at_least},
                                        Member{"at_most", &SetOnlineCpus::at_most}};
    static Result<void> check(const SetOnlineCpus& message) {
        if (message.at_most == 0 || message.at_least > message.at_most)
            return fail("{} to {} CPUs", message.at_least, message.at_most);
        return {};
    }
};
template <>
struct Form<OnlineCpus> {
    static constexpr std::string_view type = "online_cpus";
    static constexpr std::tuple members{Member{"count", &OnlineCpus::count}};
};
template <>
struct Form<InterfaceAddress> {
    static constexpr std::tuple members{Member{"local", &InterfaceAddress::local},
                                        Member{"peer", &InterfaceAddress::peer},
                                        Member{"broadcast", &InterfaceAddress::broadcast},
                                        Member{"prefix", &InterfaceAddress::prefix},
                                        Member{"scope", &InterfaceAddress::scope},
                                        Member{"prefix_route", &InterfaceAddress::prefix_route}};
};
template <>
struct Form<Interface> {
    static constexpr std::tuple members{Member{"found", &Interface::found},
                                        Member{"name", &Interface::name},
                                        Member{"mtu", &Interface::mtu},
                                        Member{"up", &Interface::up},
                                        Member{"makes_link_local", &Interface::makes_link_local},
                                        Member{"addresses", &Interface::addresses}};
};
template <>
struct Form<NextHop> {
    static constexpr std::tuple members{
        Member{"interface", &NextHop::interface}, Member{"gateway", &NextHop::gateway},
        Member{"on_link", &NextHop::on_link}, Member{"weight", &NextHop::weight}};
};
template <>
struct Form<Route> {
    static constexpr std::tuple members{Member{"destination", &Route::destination},
                                        Member{"prefix", &Route::prefix},
                                        Member{"type", &Route::type},
                                        Member{"scope", &Route::scope},
                                        Member{"protocol", &Route::protocol},
                                        Member{"metric", &Route::metric},
                                        Member{"source", &Route::source},
                                        Member{"mtu", &Route::mtu},
                                        Member{"advertised_mss", &Route::advertised_mss},
                                        Member{"next_hops", &Route::next_hops}};
};
template <>
struct Form<Neighbour> {
    static constexpr std::tuple members{Member{"interface", &Neighbour::interface},
                                        Member{"address", &Neighbour::address},
                                        Member{"mac", &Neighbour::mac}};
};
template <>
struct Form<ConfigureNetwork> {
    static constexpr std::string_view type = "configure_network";
    static constexpr std::tuple members{
        Member{"id", &ConfigureNetwork::id}, Member{"interfaces", &ConfigureNetwork::interfaces},
        Member{"routes", &ConfigureNetwork::routes}, Member{"neighbours", &ConfigureNetwork::neighbours},
        Member{"name_server", &ConfigureNetwork::name_server}};
    static Result<void> check(const ConfigureNetwork& message) {
        NACRE_TRY(check_length(message.interfaces, max_interfaces, "interfaces"));
        for (const auto& interface : message.interfaces)
            NACRE_TRY(check_length(interface.addresses, max_addresses, "addresses of an interface"));
        NACRE_TRY(check_length(message.routes, max_routes, "routes"));
        for (const auto& route : message.routes)
            NACRE_TRY(check_length(route.next_hops, max_next_hops, "next hops of a route"));
        return check_length(message.neighbours, max_neighbours, "neighbours");
    }
};
template <>
struct Form<ServeNames> {
    static constexpr std::string_view type = "serve_names";
    static constexpr std::tuple members{Member{"id", &ServeNames::id}};
};
template <>
struct Form<NameQuestion> {
    static constexpr std::string_view type = "name_question";
    static constexpr std::tuple members{Member{"number", &NameQuestion::number},
                                        Member{"tcp", &NameQuestion::tcp},
                                        Member{"message", &NameQuestion::message}};
    static Result<void> check(const NameQuestion& question) { return check_name_message(question.message); }
};
template <>
struct Form<NameAnswer> {
    static constexpr std::string_view type = "name_answer";
    static constexpr std::tuple members{Member{"id", &NameAnswer::id}, Member{"number", &NameAnswer::number},
                                        Member{"message", &NameAnswer::message}};
    static Result<void> check(const NameAnswer& answer) { return check_name_message(answer.message); }
};
template <>
struct Form<NamesWanted> {
    static constexpr std::string_view type = "names_wanted";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<DeviceFound> {
    static constexpr std::string_view type = "device_found";
    static constexpr std::tuple members{Member{"kind", &DeviceFound::kind},
                                        Member{"name", &DeviceFound::name}};
};
template <>
struct Form<GuestProcess> {
    static constexpr std::tuple members{Member{"pid", &GuestProcess::pid},
                                        Member{"parent", &GuestProcess::parent},
                                        Member{"uid", &GuestProcess::uid},
                                        Member{"cpu_seconds", &GuestProcess::cpu_seconds},
                                        Member{"age_seconds", &GuestProcess::age_seconds},
                                        Member{"state", &GuestProcess::state},
                                        Member{"terminal", &GuestProcess::terminal},
                                        Member{"name", &GuestProcess::name},
                                        Member{"command", &GuestProcess::command}};
};
template <>
struct Form<Processes> {
    static constexpr std::string_view type = "processes";
    static constexpr std::tuple members{Member{"processes", &Processes::processes},
                                        Member{"left_out", &Processes::left_out}};
};
template <>
struct Form<ProcessFiles> {
    static constexpr std::tuple members{
        Member{"pid", &ProcessFiles::pid}, Member{"stat", &ProcessFiles::stat},
        Member{"status", &ProcessFiles::status}, Member{"cmdline", &ProcessFiles::cmdline},
        Member{"label", &ProcessFiles::label}};
};
template <>
struct Form<ProcFiles> {
    static constexpr std::string_view type = "proc_files";
    static constexpr std::tuple members{
        Member{"boot_time", &ProcFiles::boot_time}, Member{"pid_namespace", &ProcFiles::pid_namespace},
        Member{"processes", &ProcFiles::processes}, Member{"more", &ProcFiles::more}};
};
template <>
struct Form<CgroupFile> {
    static constexpr std::tuple members{Member{"name", &CgroupFile::name},
                                        Member{"content", &CgroupFile::content}};
};
template <>
struct Form<CgroupFiles> {
    static constexpr std::string_view type = "cgroup_files";
    static constexpr std::tuple members{Member{"files", &CgroupFiles::files}};
};
template <>
struct Form<AttachStream> {
    static constexpr std::string_view type = "attach_stream";
    static constexpr std::tuple members{Member{"name", &AttachStream::name},
                                        Member{"stream", &AttachStream::stream}};
};
template <>
struct Form<ConnectPort> {
    static constexpr std::string_view type = "connect_port";
    static constexpr std::tuple members{Member{"id", &ConnectPort::id}, Member{"port", &ConnectPort::port}};
};
template <>
struct Form<Done> {
    static constexpr std::string_view type = "done";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<Created> {
    static constexpr std::string_view type = "created";
    static constexpr std::tuple members{Member{"pid", &Created::pid}};
};
template <>
struct Form<Failed> {
    static constexpr std::string_view type = "failed";
    static constexpr std::tuple members{Member{"code", &Failed::code}, Member{"message", &Failed::message}};
};
template <>
struct Form<Exited> {
    static constexpr std::string_view type = "exited";
    static constexpr std::tuple members{Member{"status", &Exited::status},
                                        Member{"out_of_memory", &Exited::out_of_memory},
                                        Member{"vm_stays", &Exited::vm_stays}};
    static Result<void> check(const Exited& message) {
        if (message.status > 255)
            return fail("status {} is not an exit status", message.status);
        return {};
    }
};
template <>
struct Form<OutOfMemory> {
    static constexpr std::string_view type = "out_of_memory";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<Notification> {
    static constexpr std::string_view type = "notification";
    static constexpr std::tuple members{Member{"text", &Notification::text}};
};

}  // namespace nacre::json

namespace nacre::protocol {

std::string encode(const Message& message) {
    return json::encode(message);
}

Result<Message> decode(std::string_view text) {
    return json::decode<Message>(text);
}

}  // namespace nacre::protocol
