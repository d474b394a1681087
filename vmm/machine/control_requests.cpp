#include "vmm/machine/control_requests.h"

#include "vmm/arch/memory_layout.h"
#include "vmm/devices/block/device.h"
#include "vmm/devices/net/device.h"
#include "vmm/devices/net/pair_worker.h"
#include "vmm/devices/net/vhost_pair.h"
#include "vmm/jail/jail.h"

namespace nacre::machine {

namespace {

using control::Reply;
using Descriptors = std::vector<FileDescriptor>;

std::function<Result<void>()> preparation(const ChangeableMachine& machine, jail::ThreadKind kind) {
    if (!machine.jailed)
        return {};
    return [kind] { return jail::restrict_thread(kind); };
}

Result<Reply> handle(const ChangeableMachine& machine, const control::AttachDisk& request,
                     Descriptors descriptors) {
    if (descriptors.size() != 1)
        return fail_with(EINVAL, "attach a disk: {} descriptors instead of one", descriptors.size());
    NACRE_ASSIGN(auto disk, block::Disk::open(std::move(descriptors.front()), request.read_only, request.id));
    block::Device::Options options;
    options.queues = request.queues;
    options.limit = request.limit;
    options.worker.on_thread_start = preparation(machine, jail::ThreadKind::block);
    options.worker.make_engine = block::engines_on(machine.disk_rings);
    NACRE_ASSIGN(auto device, block::Device::create(std::move(disk), options, machine.log));
    NACRE_ASSIGN(const auto slot, machine.slots.attach(std::move(device)));
    return control::Attached{slot};
}

std::shared_ptr<net::InterfaceLimits> limits_of(const control::AttachNetwork& request) {
    if (!request.receive.any() && !request.transmit.any())
        return {};
    return std::make_shared<net::InterfaceLimits>(request.receive, request.transmit);
}

Result<std::vector<std::unique_ptr<net::Pair>>> make_pairs(const ChangeableMachine& machine,
                                                           const control::AttachNetwork& request,
                                                           Descriptors descriptors) {
    const bool vhost = request.vhost;
    const auto limits = limits_of(request);
    const auto prepare = preparation(machine, jail::ThreadKind::network);
    const auto count = vhost ? descriptors.size() / 2 : descriptors.size();
    if (vhost && descriptors.size() % 2 != 0)
        return fail_with(EINVAL, "attach a network interface: {} descriptors for taps and vhost",
                         descriptors.size());
    if (vhost && limits)
        return fail_with(EINVAL, "attach a network interface: vhost keeps no limits");
    std::vector<std::unique_ptr<net::Pair>> pairs;
    for (std::size_t index = 0; index < count; ++index) {
        NACRE_ASSIGN(auto tap, net::open_tap(std::move(descriptors[index]), count > 1));
        if (vhost) {
            NACRE_ASSIGN(auto opened, net::Vhost::open(std::move(descriptors[count + index])));
            NACRE_ASSIGN(auto pair,
                         net::VhostPair::create(std::move(tap), std::move(opened), prepare, machine.log));
            pairs.push_back(std::move(pair));
        } else {
            NACRE_ASSIGN(auto pair, net::PairWorker::create(std::move(tap), prepare, machine.log, limits));
            pairs.push_back(std::move(pair));
        }
    }
    return pairs;
}

Result<Reply> handle(const ChangeableMachine& machine, const control::AttachNetwork& request,
                     Descriptors descriptors) {
    net::Device::Options options;
    NACRE_ASSIGN(options.mac, net::parse_mac_address(request.mac));
    options.mtu = request.mtu;
    NACRE_ASSIGN(auto pairs, make_pairs(machine, request, std::move(descriptors)));
    NACRE_ASSIGN(auto device, net::Device::create(std::move(pairs), options, machine.log));
    NACRE_ASSIGN(const auto slot, machine.slots.attach(std::move(device)));
    return control::Attached{slot};
}

Result<Reply> handle(const ChangeableMachine& machine, const control::DetachDevice& request,
                     const Descriptors&) {
    NACRE_TRY(machine.slots.detach(request.slot));
    return control::Done{};
}

Reply size_of(const LaterMemory& memory) {
    const auto mebibytes = [](std::uint64_t bytes) {
        return static_cast<std::uint32_t>(bytes / arch::kMebibyte);
    };
    return control::MemorySize{mebibytes(memory.bytes()), mebibytes(memory.requested_bytes())};
}

Result<Reply> handle(const ChangeableMachine& machine, const control::ResizeMemory& request,
                     const Descriptors&) {
    NACRE_TRY(machine.memory.resize(request.mebibytes * arch::kMebibyte));
    return size_of(machine.memory);
}

Result<Reply> handle(const ChangeableMachine& machine, const control::ReadMemorySize&, const Descriptors&) {
    return size_of(machine.memory);
}

Result<Reply> handle(const ChangeableMachine& machine, const control::AddVcpus& request, const Descriptors&) {
    NACRE_TRY(machine.vcpus.grow_to(request.count));
    return control::VcpuCount{machine.vcpus.count()};
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
