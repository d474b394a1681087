#include "vmm/machine/machine_builder.h"

#include <fcntl.h>

#include "vmm/arch/boot_params.h"
#include "vmm/arch/command_line.h"
#include "vmm/arch/cpu_state.h"
#include "vmm/arch/cpuid.h"
#include "vmm/arch/elf_loader.h"
#include "vmm/arch/initramfs.h"
#include "vmm/arch/memory_layout.h"
#include "vmm/arch/mp_table.h"
#include "vmm/base/file.h"
#include "vmm/devices/block/queue_worker.h"
#include "vmm/devices/console/device.h"
#include "vmm/devices/fs/device.h"
#include "vmm/devices/rng/device.h"
#include "vmm/devices/vsock/device.h"
#include "vmm/jail/capabilities.h"
#include "vmm/jail/jail.h"
#include "vmm/jail/own_descriptors.h"
#include "vmm/machine/control_requests.h"

namespace nacre::machine {
namespace {

/// KVM maps huge pages only where guest-physical and host addresses agree modulo their size.
constexpr std::size_t kHugePageSize = 2 * arch::kMebibyte;

}  // namespace

MachineBuilder::MachineBuilder(const Config& config, Log& log, Timeline& timeline)
    : config_(config),
      log_(log),
      timeline_(timeline),
      kvm_fd_(config.kvm_fd),
      kernel_(config.kernel_fd),
      initramfs_(config.initramfs_fd),
      share_(config.share_fd),
      jail_root_(config.jail_root_fd) {}

Result<std::unique_ptr<Machine>> MachineBuilder::build() {
    if (is_jailed())
        NACRE_TRY(jail::limit_process(share_ ? jail::file_server_capabilities() : 0));
    NACRE_ASSIGN(parts_.loop, EventLoop::create());
    NACRE_TRY(create_vm());
    NACRE_TRY(create_memory());
    NACRE_TRY(attach_console());
    NACRE_TRY(attach_vsock());
    NACRE_TRY(attach_file_system());
    NACRE_TRY(attach_rng());
    NACRE_TRY(attach_balloon());
    NACRE_TRY(attach_later_memory());
    NACRE_TRY(parts_.slots->add_empty(config_.hotplug_slots));
    parts_.disk_rings = std::make_unique<block::RingPool>(config_.disk_rings, block::QueueWorker::queue_size);
    NACRE_TRY(listen_for_changes());
    NACRE_TRY(watch_lifeline());
    timeline_.mark(Phase::vm_made);
    NACRE_TRY(load_guest());
    timeline_.mark(Phase::kernel_loaded);
    NACRE_TRY(create_vcpus());
    NACRE_TRY(enter_jail());
    return std::make_unique<Machine>(std::move(parts_), is_jailed(), timeline_);
}

Result<void> MachineBuilder::create_vm() {
    NACRE_ASSIGN(auto kvm, kvm::Kvm::from_fd(std::move(kvm_fd_)));
    NACRE_ASSIGN(auto vm, kvm.create_vm());
    NACRE_TRY(vm.set_identity_map_address(arch::kIdentityMapAddress));
    NACRE_TRY(vm.set_tss_address(arch::kTssAddress));
    NACRE_TRY(vm.create_irqchip());
    vm.disable_pmu();
    NACRE_ASSIGN(auto cpuid, kvm.supported_cpuid());
    parts_.vm = std::make_unique<kvm::Vm>(std::move(vm));
    parts_.mmio = std::make_unique<Bus>();
    parts_.vcpus = std::make_unique<Vcpus>(*parts_.vm, std::move(cpuid), possible_vcpus(),
                                           ExitTargets{*parts_.mmio, timeline_, *parts_.serial}, log_);
    return {};
}

Result<void> MachineBuilder::create_memory() {
    std::vector<GuestMemory::Region> regions;
    std::uint32_t slot = 0;
    for (const auto& range : arch::ram_ranges(config_.memory_bytes)) {
        NACRE_ASSIGN(auto mapping, MemoryMapping::anonymous_aligned(range.size, kHugePageSize));
        NACRE_TRY(parts_.vm->set_memory_slot(slot++, range.start, mapping.bytes()));
        regions.push_back({range.start, std::move(mapping)});
    }
    NACRE_ASSIGN(auto later, reserve_later_memory());
    NACRE_ASSIGN(auto memory, GuestMemory::create(std::move(regions), std::move(later)));
    parts_.memory = std::make_unique<GuestMemory>(std::move(memory));
    parts_.memory_slots = std::make_unique<MemorySlots>(*parts_.vm, *parts_.memory, slot);
    parts_.slots = std::make_unique<DeviceSlots>(*parts_.mmio, *parts_.vm, *parts_.memory, log_);
    return {};
}

/// Address space for what the VM may grow by; nothing for a VM whose size is fixed.
Result<std::optional<GuestMemory::Region>> MachineBuilder::reserve_later_memory() const {
    const auto more = std::max(config_.max_memory_bytes, config_.memory_bytes) - config_.memory_bytes;
    const auto size = more / mem::Device::usable_step * mem::Device::usable_step;
    if (size == 0)
        return std::nullopt;
    NACRE_ASSIGN(auto mapping, MemoryMapping::reserved_aligned(size, kHugePageSize));
    return GuestMemory::Region{arch::later_memory_start(config_.memory_bytes), std::move(mapping)};
}

Result<void> MachineBuilder::attach_console() {
    if (config_.console_fd < 0)
        return {};
    NACRE_ASSIGN(auto device,
                 console::Device::create(*parts_.loop, log_, FileDescriptor(config_.console_fd)));
    return parts_.slots->add(std::move(device));
}

Result<void> MachineBuilder::attach_vsock() {
    vsock::Device::Options options;
    options.listener = FileDescriptor(config_.vsock_listen_fd);
    for (const auto& host_port : config_.vsock_host_ports)
        options.host_ports.push_back({host_port.port, FileDescriptor(host_port.fd)});
    if (!options.listener && options.host_ports.empty())
        return {};
    options.on_first_guest_connect = [&timeline = timeline_](std::uint32_t) {
        timeline.mark(Phase::agent_connected);
    };
    options.log = &log_;
    NACRE_ASSIGN(auto device, vsock::Device::create(*parts_.loop, std::move(options)));
    return parts_.slots->add(std::move(device));
}

Result<void> MachineBuilder::attach_file_system() {
    if (!share_)
        return {};
    fs::Options options;
    // The share's own directories: containers of a pod come and go there.
    options.files.remember_names_of_root_mount = false;
    if (is_jailed())
        options.threads.on_thread_start = [] { return jail::restrict_thread(jail::ThreadKind::file_server); };
    NACRE_ASSIGN(auto own_descriptors, is_jailed() ? jail::open_own_descriptors()
                                                   : open_file("/proc/self/fd", O_PATH | O_DIRECTORY));
    NACRE_ASSIGN(auto device,
                 fs::Device::create(std::move(share_), std::move(own_descriptors), std::move(options), log_));
    return parts_.slots->add(std::move(device));
}

Result<void> MachineBuilder::attach_rng() {
    return parts_.slots->add(std::make_unique<rng::Device>(*parts_.loop, log_));
}

Result<void> MachineBuilder::attach_balloon() {
    auto device = std::make_unique<balloon::Device>(*parts_.loop, log_);
    balloon_ = device.get();
    return parts_.slots->add(std::move(device));
}

Result<void> MachineBuilder::attach_later_memory() {
    mem::Device* attached = nullptr;
    if (const auto* region = parts_.memory->growing_region(); region != nullptr) {
        auto device = std::make_unique<mem::Device>(
            *parts_.loop,
            mem::Device::Region{
                region->start, region->mapping.bytes(),
                [slots = parts_.memory_slots.get()](std::uint64_t bytes) { return slots->cover(bytes); }},
            log_);
        attached = device.get();
        NACRE_TRY(parts_.slots->add(std::move(device)));
    }
    parts_.later_memory = std::make_unique<LaterMemory>(config_.memory_bytes, attached);
    return {};
}

/// What the runtime asks of the running machine.
Result<void> MachineBuilder::listen_for_changes() {
    FileDescriptor listener(config_.control_listen_fd);
    if (!listener)
        return {};
    NACRE_ASSIGN(parts_.control,
                 control::Server::create(
                     *parts_.loop, std::move(listener),
                     [machine = ChangeableMachine{*parts_.slots, *parts_.disk_rings, *parts_.later_memory,
                                                  *parts_.vcpus, log_, is_jailed()}](
                         control::Request request) { return handle_request(machine, std::move(request)); }));
    return {};
}

Result<void> MachineBuilder::watch_lifeline() {
    FileDescriptor reader(config_.lifeline_fd);
    if (!reader)
        return {};
    NACRE_ASSIGN(parts_.lifeline, Lifeline::watch(*parts_.loop, std::move(reader), log_));
    return {};
}

Result<void> MachineBuilder::load_guest() {
    const auto& memory = *parts_.memory;
    NACRE_ASSIGN(const auto kernel_image, arch::FileSource::open(kernel_.get(), "kernel image"));
    NACRE_ASSIGN(const auto kernel, arch::load_kernel(kernel_image, memory));
    NACRE_ASSIGN(const auto initramfs_image, arch::FileSource::open(initramfs_.get(), "initramfs"));
    NACRE_ASSIGN(const auto initramfs, arch::load_initramfs(initramfs_image, memory, kernel.end));
    kernel_entry_ = kernel.entry;
    NACRE_TRY(keep({arch::kHighMemoryStart, kernel.end - arch::kHighMemoryStart}));
    NACRE_TRY(keep(initramfs));

    const auto command_line =
        arch::command_line({config_.console_fd >= 0, parts_.slots->count(), config_.vcpus});
    NACRE_TRY(arch::write_boot_params(memory, {command_line, initramfs, config_.memory_bytes}));
    NACRE_TRY(arch::write_mp_table(memory, possible_vcpus()));
    return arch::write_entry_tables(memory);
}

/// Has the balloon leave alone what an image was mapped to.
Result<void> MachineBuilder::keep(const arch::MemoryRange& range) {
    NACRE_ASSIGN(const auto memory, parts_.memory->slice(range.start, range.size));
    balloon_->keep(memory);
    return {};
}

/// The threads restrict themselves when they start.
Result<void> MachineBuilder::enter_jail() {
    return is_jailed() ? jail::change_root(jail_root_.get()) : Result<void>();
}

Result<void> MachineBuilder::create_vcpus() {
    NACRE_TRY(parts_.vcpus->grow_to(config_.vcpus));
    // The others wait for the first one's start-up IPI.
    return enter_boot_state(parts_.vcpus->threads().front()->vcpu());
}

Result<void> MachineBuilder::enter_boot_state(const kvm::Vcpu& vcpu) const {
    NACRE_ASSIGN(const auto reset, vcpu.sregs());
    NACRE_TRY(vcpu.set_sregs(arch::initial_sregs(reset)));
    return vcpu.set_regs(arch::initial_regs(kernel_entry_));
}

}  // namespace nacre::machine
