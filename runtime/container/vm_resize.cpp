#include "runtime/container/vm_resize.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "runtime/vm/agent_connection.h"
#include "runtime/vm/vmm_control.h"

namespace nacre::runtime {

namespace {

using control::MemorySize;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr int answer_timeout_ms = 30'000;
constexpr int cpus_timeout_ms = 120'000;
constexpr std::uint32_t any_number = UINT32_MAX;

/// How long a guest may make no progress: it takes memory if it can, and tries for long to free some.
constexpr std::chrono::seconds patience_growing{60};
constexpr std::chrono::seconds patience_shrinking{15};

Result<MemorySize> ask(const std::string& vm_directory, const control::RequestMessage& request) {
    NACRE_ASSIGN(const auto reply, call_vmm(vm_directory, request, {}, answer_timeout_ms));
    const auto* size = std::get_if<MemorySize>(&reply);
    if (size == nullptr)
        return fail("memory of the virtual machine: nacre-vmm gave an answer that was not asked for");
    return *size;
}

std::uint32_t mebibytes(const VmSize& size) {
    return static_cast<std::uint32_t>(size.memory_bytes / mebibyte);
}

std::uint32_t distance(const MemorySize& size) {
    return std::max(size.mebibytes, size.requested_mebibytes) -
           std::min(size.mebibytes, size.requested_mebibytes);
}

/// Until it is reached, or the guest has come no nearer for `patience`, or creeps there at ten times that.
/// Returns the last size seen.
Result<MemorySize> follow(const std::string& vm_directory, MemorySize size, Clock::duration patience,
                          const std::function<bool(const MemorySize&)>& reached) {
    constexpr std::chrono::milliseconds interval{20};
    const auto end = Clock::now() + 10 * patience;
    auto give_up = Clock::now() + patience;
    auto nearest = distance(size);
    while (!reached(size) && Clock::now() < std::min(give_up, end)) {
        std::this_thread::sleep_for(interval);
        NACRE_ASSIGN(size, ask(vm_directory, control::ReadMemorySize{}));
        if (distance(size) >= nearest)
            continue;
        nearest = distance(size);
        give_up = Clock::now() + patience;
    }
    return size;
}

Result<void> grow_memory(const std::string& vm_directory, const VmSize& size) {
    NACRE_ASSIGN(const auto before, ask(vm_directory, control::ReadMemorySize{}));
    if (mebibytes(size) <= before.requested_mebibytes)
        return {};
    NACRE_ASSIGN(const auto asked, ask(vm_directory, control::ResizeMemory{mebibytes(size)}));
    NACRE_ASSIGN(const auto grown, follow(vm_directory, asked, patience_growing, [](const MemorySize& now) {
                     return now.mebibytes >= now.requested_mebibytes;
                 }));
    if (grown.mebibytes >= grown.requested_mebibytes)
        return {};
    return fail_with(ENOMEM,
                     "grow the virtual machine to {} MiB of memory: its kernel took {} MiB and no more",
                     grown.requested_mebibytes, grown.mebibytes);
}

/// Returns what is kept.
Result<std::uint64_t> shrink_memory(const std::string& vm_directory, const VmSize& size) {
    NACRE_ASSIGN(const auto before, ask(vm_directory, control::ReadMemorySize{}));
    if (mebibytes(size) >= before.requested_mebibytes && mebibytes(size) >= before.mebibytes)
        return 0;
    NACRE_ASSIGN(const auto asked, ask(vm_directory, control::ResizeMemory{mebibytes(size)}));
    NACRE_ASSIGN(const auto shrunk,
                 follow(vm_directory, asked, patience_shrinking,
                        [](const MemorySize& now) { return now.mebibytes <= now.requested_mebibytes; }));
    return (std::max(shrunk.mebibytes, shrunk.requested_mebibytes) - shrunk.requested_mebibytes) * mebibyte;
}

/// How many CPUs are online then.
Result<std::uint32_t> set_online_cpus(const std::string& vm_directory, std::uint32_t at_least,
                                      std::uint32_t at_most) {
    NACRE_ASSIGN(const auto answer,
                 call_agent(vm_directory, protocol::SetOnlineCpus{at_least, at_most}, cpus_timeout_ms));
    const auto* online = std::get_if<protocol::OnlineCpus>(&answer);
    if (online == nullptr)
        return fail("CPUs of the virtual machine: the guest agent gave an answer that was not asked for");
    return online->count;
}

Result<std::uint32_t> grow_cpus(const std::string& vm_directory, std::uint32_t wanted) {
    NACRE_ASSIGN(const auto reply, call_vmm(vm_directory, control::AddVcpus{wanted}, {}, answer_timeout_ms));
    const auto* vcpus = std::get_if<control::VcpuCount>(&reply);
    if (vcpus == nullptr)
        return fail("CPUs of the virtual machine: nacre-vmm gave an answer that was not asked for");
    const auto possible = std::min(wanted, vcpus->count);
    NACRE_ASSIGN(const auto online, set_online_cpus(vm_directory, possible, any_number));
    if (online < possible)
        return fail("grow the virtual machine to {} CPUs: its kernel brought {} online", possible, online);
    return possible;
}

}  // namespace

Result<std::uint64_t> vm_memory(const std::string& vm_directory) {
    NACRE_ASSIGN(const auto size, ask(vm_directory, control::ReadMemorySize{}));
    return size.mebibytes * mebibyte;
}

Result<std::uint32_t> grow_vm(const std::string& vm_directory, const VmSize& size) {
    NACRE_TRY(grow_memory(vm_directory, size));
    return grow_cpus(vm_directory, size.vcpus);
}

Result<Kept> shrink_vm(const std::string& vm_directory, const VmSize& size) {
    NACRE_ASSIGN(const auto online, set_online_cpus(vm_directory, 1, size.vcpus));
    NACRE_ASSIGN(const auto memory, shrink_memory(vm_directory, size));
    return Kept{memory, std::max(online, size.vcpus) - size.vcpus};
}

void shrink_vm_later(const std::string& vm_directory, const VmSize& size) {
    (void)set_online_cpus(vm_directory, 1, size.vcpus);
    const auto memory = ask(vm_directory, control::ReadMemorySize{});
    if (memory && mebibytes(size) < memory->requested_mebibytes)
        (void)ask(vm_directory, control::ResizeMemory{mebibytes(size)});
}

}  // namespace nacre::runtime
