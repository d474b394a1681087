#include "tests/vmm/devices/virtio/changing_memory.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <csignal>
#include <cstdlib>
#include <optional>

namespace nacre::virtio::fake {

namespace {

constexpr greg_t trap_flag = 0x100;  // of RFLAGS: an exception after the next instruction

/// What the handlers know; a signal handler gets no argument of ours.
struct Watch {
    std::span<std::byte> memory;
    ChangingMemory::Change change;
    struct sigaction old_fault {};
    struct sigaction old_trap {};
    std::byte* touched = nullptr;
};
std::optional<Watch> watch;

void set_access(int protection) {
    if (::mprotect(watch->memory.data(), watch->memory.size(), protection) != 0)
        std::abort();
}

bool is_watched(const void* address) {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= watch->memory.data() && byte < watch->memory.data() + watch->memory.size();
}

void on_fault(int, siginfo_t* info, void* context) {
    // A fault of another kind happens again, and then as it would have without us.
    if (!is_watched(info->si_addr)) {
        ::sigaction(SIGSEGV, &watch->old_fault, nullptr);
        return;
    }
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(info->si_addr) - watch->memory.data());
    watch->touched = watch->memory.data() + (offset & ~std::size_t{7});
    set_access(PROT_READ | PROT_WRITE);
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= trap_flag;
}

void on_trap(int, siginfo_t*, void* context) {
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~trap_flag;
    watch->change(std::span<std::byte, 8>(watch->touched, 8));
    set_access(PROT_NONE);
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*), struct sigaction& old) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(signal, &action, &old);
}

}  // namespace

ChangingMemory::ChangingMemory(std::span<std::byte> memory, Change change) {
    if (watch)
        std::abort();
    watch.emplace(Watch{memory, std::move(change)});
    handle(SIGSEGV, on_fault, watch->old_fault);
    handle(SIGTRAP, on_trap, watch->old_trap);
    set_access(PROT_NONE);
}

ChangingMemory::~ChangingMemory() {
    set_access(PROT_READ | PROT_WRITE);
    ::sigaction(SIGSEGV, &watch->old_fault, nullptr);
    ::sigaction(SIGTRAP, &watch->old_trap, nullptr);
    watch.reset();
}

}  // namespace nacre::virtio::fake
