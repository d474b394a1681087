#include "vmm/machine/control_requests.h"

#include "vmm/arch/memory_layout.h"
#include "vmm/devices/block/device.h"
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
