#include "runtime/network/network.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "guest-agent/network/rtnetlink.h"
#include "runtime/network/embedded_name_server.h"
#include "runtime/network/host_network.h"
#include "runtime/network/redirection.h"
#include "runtime/network/tap.h"
#include "runtime/vm/agent_connection.h"
#include "runtime/vm/vmm_control.h"
#include "vmm/base/thread.h"

namespace nacre::runtime {

namespace {

constexpr int attach_timeout_ms = 60'000;
constexpr int answer_timeout_ms = 60'000;
constexpr std::size_t stack_bytes = 1 << 20;

using Requests = std::vector<netlink::Request>;

/// What `function` returns in a thread of a network namespace: `of` is a descriptor of it, or of a process in
/// it.
template <class Function>
auto in_network_namespace(int of, const Function& function) -> decltype(function()) {
    decltype(function()) result;
    NACRE_ASSIGN(auto thread, Thread::start("network", stack_bytes, [&] {
                     if (::setns(of, CLONE_NEWNET) < 0)
                         result = fail_errno("enter the container's network namespace");
                     else
                         result = function();
                 }));
    thread.join();
    return result;
}

Result<std::uint32_t> index_of(const std::string& interface, int socket) {
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(socket, SIOCGIFINDEX, &request) < 0)
        return fail_errno("find interface {}", interface);
    return static_cast<std::uint32_t>(request.ifr_ifindex);
}

/// The guest's name of it.
Result<std::string> attach(const NetworkTask& task, const HostInterface& interface, const Tap& tap) {
    const bool limited = task.receive.any() || task.transmit.any();
    const auto vhost = limited ? std::vector<FileDescriptor>() : open_vhost(tap.queues.size());
    std::vector<int> descriptors;
    for (const auto* list : {&tap.queues, &vhost}) {
        for (const auto& descriptor : *list)
            descriptors.push_back(descriptor.get());
    }
    const control::AttachNetwork request{interface.mac, interface.settings.mtu, !vhost.empty(), task.receive,
                                         task.transmit};
    NACRE_ASSIGN(auto device, attach_device(task.vm_directory, request, descriptors, attach_timeout_ms));
    return std::move(device.name);
}

void append(Requests& requests, Requests more) {
    std::move(more.begin(), more.end(), std::back_inserter(requests));
}

/// nacre-vmm alone holds the taps afterwards.
Result<void> attach_all(const NetworkTask& task, netlink::Socket& socket, HostNetwork& network) {
    Requests requests;
    for (auto& interface : network.interfaces) {
        NACRE_ASSIGN(const auto tap, make_tap(task.queue_pairs));
        NACRE_ASSIGN(const auto tap_index, index_of(tap.name, socket.fd()));
        NACRE_ASSIGN(interface.settings.found, attach(task, interface, tap));
        append(requests,
               make_redirection({interface.index, tap_index, interface.settings.mtu, network.name_server}));
    }
    return socket.execute(requests);
}

Result<void> configure_guest(const NetworkTask& task, const HostNetwork& network) {
    protocol::ConfigureNetwork request{
        task.container, {}, network.routes, network.neighbours, network.name_server};
    for (const auto& interface : network.interfaces)
        request.interfaces.push_back(interface.settings);
    NACRE_TRY(call_agent(task.vm_directory, request, answer_timeout_ms));
    return {};
}

void give_back(netlink::Socket& socket, const HostNetwork& network) {
    Requests requests;
    for (const auto& interface : network.interfaces)
        requests.push_back(remove_redirection(interface.index));
    (void)socket.execute(requests);
}

Result<std::vector<std::string>> connect(const NetworkTask& task) {
    NACRE_ASSIGN(auto socket, netlink::Socket::open(NETLINK_ROUTE));
    NACRE_ASSIGN(auto network, read_host_network(socket));
    if (network.interfaces.empty())
        return std::vector<std::string>();
    network.name_server = has_embedded_name_server();
    auto connected = attach_all(task, socket, network);
    if (connected)
        connected = configure_guest(task, network);
    if (!connected) {
        give_back(socket, network);
        return tl::unexpected(std::move(connected).error());
    }
    std::vector<std::string> names;
    for (const auto& interface : network.interfaces)
        names.push_back(interface.settings.name);
    return names;
}

/// In the calling thread's namespace.
Result<void> disconnect(const std::vector<std::string>& interfaces) {
    NACRE_ASSIGN(auto socket, netlink::Socket::open(NETLINK_ROUTE));
    Requests requests;
    for (const auto& interface : interfaces) {
        if (const auto index = index_of(interface, socket.fd()))
            requests.push_back(remove_redirection(*index));
    }
    return requests.empty() ? Result<void>() : socket.execute(requests);
}

}  // namespace

Result<std::vector<std::string>> connect_network(const NetworkTask& task) {
    auto names = in_network_namespace(task.process, [&task] { return connect(task); });
    if (!names)
        return add_context(std::move(names).error(), "connect the container's network");
    return names;
}

Result<std::size_t> count_interfaces() {
    NACRE_ASSIGN(auto socket, netlink::Socket::open(NETLINK_ROUTE));
    NACRE_ASSIGN(const auto links, socket.dump(network::dump_links()));
    NACRE_ASSIGN(const auto interfaces, interfaces_in(links));
    return interfaces.size();
}

Result<void> disconnect_network(int network_namespace, const std::vector<std::string>& interfaces) {
    if (interfaces.empty())
        return {};
    if (network_namespace == own_network_namespace)
        return disconnect(interfaces);
    return in_network_namespace(network_namespace, [&interfaces] { return disconnect(interfaces); });
}

}  // namespace nacre::runtime
