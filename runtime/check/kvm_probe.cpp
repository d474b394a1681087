#include "runtime/check/kvm_probe.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vmm/base/file.h"
#include "vmm/base/memory_mapping.h"

namespace nacre::check {

namespace {

constexpr std::size_t page_size = 4096;
constexpr std::uint64_t code_address = 0x1000;
constexpr std::uint32_t loop_count = 50'000;

// 32-bit protected mode without paging: no tables are needed and every KVM can do it.
//   mov ecx, loop_count; 1: dec ecx; jnz 1b; hlt
constexpr std::array<std::uint8_t, 9> timed_loop{0xb9,
                                                 loop_count & 0xff,
                                                 (loop_count >> 8) & 0xff,
                                                 (loop_count >> 16) & 0xff,
                                                 loop_count >> 24,
                                                 0x49,
                                                 0x75,
                                                 0xfd,
                                                 0xf4};
//   popcnt eax, eax; hlt
constexpr std::array<std::uint8_t, 5> popcnt_code{0xf3, 0x0f, 0xb8, 0xc0, 0xf4};

/// A VM of one page and one vCPU, without interrupt controller: a HLT comes back to user space.
class ProbeVm {
  public:
    static Result<ProbeVm> create() {
        ProbeVm vm;
        NACRE_ASSIGN(vm.kvm_, open_file("/dev/kvm", O_RDWR));
        vm.vm_.reset(::ioctl(vm.kvm_.get(), KVM_CREATE_VM, 0));
        if (!vm.vm_)
            return fail_errno("create a VM");
        NACRE_ASSIGN(vm.memory_, MemoryMapping::anonymous(page_size));
        kvm_userspace_memory_region region{};
        region.guest_phys_addr = code_address;
        region.memory_size = page_size;
        // The address of the mapping is what the interface wants as a number.
        region.userspace_addr = reinterpret_cast<std::uint64_t>(vm.memory_.bytes().data());
        if (::ioctl(vm.vm_.get(), KVM_SET_USER_MEMORY_REGION, &region) < 0)
            return fail_errno("give memory to a VM");
        vm.vcpu_.reset(::ioctl(vm.vm_.get(), KVM_CREATE_VCPU, 0));
        if (!vm.vcpu_)
            return fail_errno("create a vCPU");
        const int size = ::ioctl(vm.kvm_.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
        if (size < static_cast<int>(sizeof(kvm_run)))
            return fail_errno("read the size of KVM's shared page");
        NACRE_ASSIGN(vm.run_, MemoryMapping::file(vm.vcpu_.get(), 0, static_cast<std::size_t>(size),
                                                  PROT_READ | PROT_WRITE, MAP_SHARED));
        return vm;
    }

    /// Runs `code` from its start to its HLT. The result is why KVM_RUN came back (KVM_EXIT_*).
    template <std::size_t Size>
    Result<std::uint32_t> execute(const std::array<std::uint8_t, Size>& code) {
        std::memcpy(memory_.bytes().data(), code.data(), code.size());
        NACRE_TRY(reset_registers());
        while (::ioctl(vcpu_.get(), KVM_RUN, 0) < 0)
            if (errno != EINTR && errno != EAGAIN)
                return fail_errno("run a vCPU");
        // KVM shares a kvm_run at the start of the mapping.
        return reinterpret_cast<const kvm_run*>(run_.bytes().data())->exit_reason;
    }

  private:
    ProbeVm() = default;

    static kvm_segment flat_segment(std::uint8_t type, std::uint16_t selector) {
        kvm_segment segment{};
        segment.limit = 0xffffffff;
        segment.selector = selector;
        segment.type = type;
        segment.present = segment.s = segment.db = segment.g = 1;
        return segment;
    }

    Result<void> reset_registers() {
        kvm_sregs special{};
        if (::ioctl(vcpu_.get(), KVM_GET_SREGS, &special) < 0)
            return fail_errno("read registers of a vCPU");
        special.cs = flat_segment(0xb, 0x8);
        special.ds = special.es = special.fs = special.gs = special.ss = flat_segment(0x3, 0x10);
        special.cr0 |= 1;  // protection enable
        kvm_regs general{};
        general.rip = code_address;
        general.rflags = 2;
        if (::ioctl(vcpu_.get(), KVM_SET_SREGS, &special) < 0 ||
            ::ioctl(vcpu_.get(), KVM_SET_REGS, &general) < 0)
            return fail_errno("set registers of a vCPU");
        return {};
    }

    FileDescriptor kvm_;
    FileDescriptor vm_;
    FileDescriptor vcpu_;
    MemoryMapping memory_;
    MemoryMapping run_;
};

/// Processor time of the calling thread: other load on the machine must not make a good KVM look slow.
std::uint64_t thread_time_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

Result<std::uint64_t> time_loop(ProbeVm& vm) {
    const auto start = thread_time_ns();
    NACRE_ASSIGN(const auto reason, vm.execute(timed_loop));
    if (reason != KVM_EXIT_HLT)
        return fail("a loop of two instructions ended with KVM exit {}", reason);
    return thread_time_ns() - start;
}

Result<KvmProbe> run_probe() {
    NACRE_ASSIGN(auto vm, ProbeVm::create());
    KvmProbe probe{2ULL * loop_count, UINT64_MAX, false};
    for (int i = 0; i < 3; ++i) {
        NACRE_ASSIGN(const auto time, time_loop(vm));
        probe.nanoseconds = std::min(probe.nanoseconds, time);
    }
    const auto reason = vm.execute(popcnt_code);
    probe.runs_popcnt = reason && *reason == KVM_EXIT_HLT;
    return probe;
}

/// What the probing process writes to its parent.
struct Answer {
    KvmProbe probe;
    bool succeeded = false;
    std::array<char, 200> message{};
};

Answer make_answer() {
    Answer answer;
    if (const auto probe = run_probe()) {
        answer.probe = *probe;
        answer.succeeded = true;
    } else {
        const auto& message = probe.error().message;
        message.copy(answer.message.data(), answer.message.size() - 1);
    }
    return answer;
}

[[noreturn]] void probe_and_exit(int pipe) {
    const auto answer = make_answer();
    const auto written = write_all(pipe, std::as_bytes(std::span(&answer, 1)));
    ::_exit(written ? 0 : 1);
}

Result<KvmProbe> read_answer(int pipe, int timeout_ms) {
    pollfd ready{pipe, POLLIN, 0};
    if (::poll(&ready, 1, timeout_ms) == 0)
        return fail("a VM of three instructions did not end within {} ms", timeout_ms);
    Answer answer;
    if (!read_exactly(pipe, std::as_writable_bytes(std::span(&answer, 1))))
        return fail("the probing process died");
    if (!answer.succeeded)
        return fail("{}", answer.message.data());
    return answer.probe;
}

}  // namespace

Result<KvmProbe> probe_kvm(int timeout_ms) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        return fail_errno("create a pipe");
    const FileDescriptor read_end(ends[0]);
    FileDescriptor write_end(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno("start the probing process");
    if (child == 0)
        probe_and_exit(write_end.get());
    write_end.reset();
    auto probe = read_answer(read_end.get(), timeout_ms);
    ::kill(child, SIGKILL);
    // A process stuck in the kernel could not be reaped: what it said is known, and init takes it over.
    ::waitpid(child, nullptr, probe ? 0 : WNOHANG);
    return probe;
}

std::optional<std::string> unfit_reason(const KvmProbe& probe) {
    constexpr std::uint64_t slowest_ns_per_instruction = 150;
    if (probe.nanoseconds > probe.instructions * slowest_ns_per_instruction)
        return fmt::format("guest kernel code runs at {} million instructions a second: it is emulated",
                           probe.instructions * 1000 / std::max<std::uint64_t>(probe.nanoseconds, 1));
    if (!probe.runs_popcnt)
        return "guest kernel code is emulated incompletely: popcnt fails";
    return std::nullopt;
}

}  // namespace nacre::check
