#include "vmm/machine/control_requests.h"

#include "vmm/devices/block/device.h"
#include "vmm/devices/net/device.h"
#include "vmm/jail/jail.h"

namespace nacre::machine {

namespace {

using control::Reply;
using Descriptors = std::vector<FileDescriptor>;

Result<Reply> handle(const ChangeableMachine& machine, const control::AttachDisk& request,
                     Descriptors descriptors) {
    if (descriptors.size() != 1)
        return fail_with(EINVAL, "attach a disk: {} descriptors instead of one", descriptors.size());
    NACRE_ASSIGN(auto disk, block::Disk::open(std::move(descriptors.front()), request.read_only, request.id));
    block::Device::Options options;
    options.queues = request.queues;
    if (machine.jailed)
        options.worker.on_thread_start = [] { return jail::restrict_thread(jail::ThreadKind::block); };
    NACRE_ASSIGN(auto device, block::Device::create(std::move(disk), options, machine.log));
    NACRE_ASSIGN(const auto slot, machine.slots.attach(std::move(device)));
    return control::Attached{slot};
}

Result<std::vector<std::unique_ptr<net::Tap>>> open_taps(Descriptors descriptors) {
    std::vector<std::unique_ptr<net::Tap>> taps;
    for (auto& descriptor : descriptors) {
        NACRE_ASSIGN(auto tap, net::open_tap(std::move(descriptor), descriptors.size() > 1));
        taps.push_back(std::move(tap));
    }
    return taps;
}

Result<Reply> handle(const ChangeableMachine& machine, const control::AttachNetwork& request,
                     Descriptors descriptors) {
    if (request.vhost)
        return fail_with(EOPNOTSUPP, "attach a network interface with vhost");
    net::Device::Options options;
    NACRE_ASSIGN(options.mac, net::parse_mac_address(request.mac));
    options.mtu = request.mtu;
    if (machine.jailed)
        options.on_thread_start = [] { return jail::restrict_thread(jail::ThreadKind::network); };
    NACRE_ASSIGN(auto taps, open_taps(std::move(descriptors)));
    NACRE_ASSIGN(auto device, net::Device::create(std::move(taps), options, machine.log));
    NACRE_ASSIGN(const auto slot, machine.slots.attach(std::move(device)));
    return control::Attached{slot};
}

Result<Reply> handle(const ChangeableMachine& machine, const control::DetachDevice& request,
                     const Descriptors&) {
    NACRE_TRY(machine.slots.detach(request.slot));
    return control::Done{};
}

}  // namespace

control::Reply handle_request(const ChangeableMachine& machine, control::Request request) {
    auto reply = std::visit(
        [&](const auto& message) { return handle(machine, message, std::move(request.descriptors)); },
        request.message);
    if (!reply)
        return control::Failed{static_cast<std::uint32_t>(reply.error().code), reply.error().message};
    return std::move(*reply);
}

}  // namespace nacre::machine
