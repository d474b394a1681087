#include "runtime/check/host_requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "runtime/cgroup/hierarchy.h"
#include "runtime/check/kvm_probe.h"
#include "runtime/vm/assets.h"
#include "vmm/base/file.h"

namespace nacre::check {

namespace {

constexpr auto lab_remedy =
    "use a machine with hardware virtualisation (AMD-V or VT-x, or a VM with nested "
    "virtualisation), or try nacre in integration/lab";
constexpr auto kernel_remedy = "use Linux 5.12 or newer";
constexpr int probe_timeout_ms = 5'000;

struct Capability {
    int number;
    std::string_view name;
};

/// What nacre-vmm uses of KVM (Documentation/virt/kvm/api.rst).
constexpr std::array<Capability, 9> kvm_capabilities{{
    {KVM_CAP_IRQCHIP, "IRQCHIP"},
    {KVM_CAP_USER_MEMORY, "USER_MEMORY"},
    {KVM_CAP_EXT_CPUID, "EXT_CPUID"},
    {KVM_CAP_IRQFD, "IRQFD"},
    {KVM_CAP_IOEVENTFD, "IOEVENTFD"},
    {KVM_CAP_ADJUST_CLOCK, "ADJUST_CLOCK"},
    {KVM_CAP_MP_STATE, "MP_STATE"},
    {KVM_CAP_TSC_DEADLINE_TIMER, "TSC_DEADLINE_TIMER"},
    {KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT"},
}};

struct SystemCall {
    long number;
    std::string_view name;
};

/// The youngest system calls that the runtime and the VMM need.
constexpr std::array<SystemCall, 6> system_calls{{
    {SYS_clone3, "clone3"},
    {SYS_pidfd_open, "pidfd_open"},
    {SYS_close_range, "close_range"},
    {SYS_openat2, "openat2"},
    {SYS_open_tree, "open_tree"},
    {SYS_mount_setattr, "mount_setattr"},
}};

Requirement check_processor() {
    utsname names{};
    ::uname(&names);
    const std::string machine = names.machine;
    if (machine == "x86_64")
        return pass("processor", "x86-64");
    return miss("processor", machine, "nacre runs on x86-64 only");
}

Requirement check_user() {
    if (::geteuid() == 0)
        return pass("user", "root");
    return miss("user", fmt::format("uid {}", ::geteuid()),
                "run nacre as root: rootless is not supported yet");
}

/// Calls each with arguments that no kernel accepts: only one that lacks it says ENOSYS.
Requirement check_kernel() {
    std::string missing;
    for (const auto& call : system_calls)
        if (::syscall(call.number, -1, 0, 0, 0, 0) < 0 && errno == ENOSYS)
            missing += (missing.empty() ? "" : ", ") + std::string(call.name);
    utsname names{};
    ::uname(&names);
    if (missing.empty())
        return pass("host kernel", fmt::format("Linux {}", names.release));
    return miss("host kernel", fmt::format("Linux {} lacks {}", names.release, missing), kernel_remedy);
}

Requirement check_kvm_device() {
    constexpr auto name = "KVM device";
    const auto kvm = open_file("/dev/kvm", O_RDWR);
    if (kvm)
        return pass(name, "/dev/kvm can be opened");
    if (kvm.error().code == ENOENT)
        return miss(name, kvm.error().message, std::string("load kvm_intel or kvm_amd; else ") + lab_remedy);
    return miss(name, kvm.error().message, "give this user read and write permission to /dev/kvm");
}

Requirement check_kvm_interface() {
    constexpr auto name = "KVM interface";
    const auto kvm = open_file("/dev/kvm", O_RDWR);
    if (!kvm)
        return miss(name, "there is no KVM to ask", "see the KVM device");
    const int version = ::ioctl(kvm->get(), KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION)
        return miss(name, fmt::format("API version {}, not {}", version, KVM_API_VERSION), kernel_remedy);
    std::string missing;
    for (const auto& capability : kvm_capabilities)
        if (::ioctl(kvm->get(), KVM_CHECK_EXTENSION, capability.number) <= 0)
            missing += (missing.empty() ? "" : ", ") + std::string(capability.name);
    if (!missing.empty())
        return miss(name, "lacks " + missing, kernel_remedy);
    return pass(name,
                fmt::format("API version {} with all {} capabilities", version, kvm_capabilities.size()));
}

/// A KVM without the processor's help is named where it says who it is.
std::string name_of_software_kvm() {
    return ::access("/sys/module/kvm_pvm", F_OK) == 0 ? " (software KVM: module kvm_pvm)" : "";
}

Requirement check_kvm_fitness() {
    constexpr auto name = "KVM fitness";
    const auto probe = probe_kvm(probe_timeout_ms);
    if (!probe)
        return miss(name, probe.error().message + name_of_software_kvm(), lab_remedy);
    if (const auto reason = unfit_reason(*probe))
        return miss(name, *reason + name_of_software_kvm(), lab_remedy);
    return pass(name, fmt::format("{} guest kernel instructions in {} us", probe->instructions,
                                  probe->nanoseconds / 1000));
}

Requirement check_cgroups() {
    constexpr auto name = "cgroups";
    const auto hierarchies = runtime::host_hierarchies();
    if (!hierarchies)
        return miss(name, hierarchies.error().message, "mount cgroup2 at /sys/fs/cgroup");
    if (hierarchies->front().unified)
        return pass(name, "version 2 at " + hierarchies->front().mount_point);
    return pass(name, fmt::format("version 1, {} hierarchies", hierarchies->size()));
}

Requirement check_assets() {
    constexpr auto name = "installed files";
    const auto assets = runtime::find_assets();
    if (!assets)
        return miss(name, assets.error().message,
                    "build and install nacre, or name the file in the environment");
    if (::access(assets->vmm.c_str(), X_OK) < 0)
        return miss(name, assets->vmm + " is not executable", "make it executable");
    return pass(name, fmt::format("{}, {}, {}", assets->kernel, assets->initramfs, assets->vmm));
}

/// "MemAvailable:  123 kB" of /proc/meminfo; 0 if it is not there.
std::uint64_t available_memory_kib() {
    const auto text = read_file("/proc/meminfo", 64 * 1024).value_or("");
    constexpr std::string_view key = "MemAvailable:";
    const auto found = text.find(key);
    const auto digits = found == std::string::npos ? found : text.find_first_of("0123456789", found);
    std::uint64_t value = 0;
    if (digits != std::string::npos)
        std::from_chars(text.data() + digits, text.data() + text.size(), value);
    return value;
}

Requirement check_memory() {
    constexpr std::uint64_t needed_mib = 256;
    const auto mib = available_memory_kib() / 1024;
    if (mib >= needed_mib)
        return pass("memory", fmt::format("{} MiB available", mib));
    return miss("memory", fmt::format("{} MiB available, less than {}", mib, needed_mib), "free some memory");
}

/// The directory itself, or the nearest one above it that exists, can be written.
Requirement check_state_root(const std::string& root) {
    auto path = root;
    while (path.size() > 1 && ::access(path.c_str(), F_OK) < 0 && errno == ENOENT) {
        const auto slash = path.rfind('/');
        path = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    }
    if (::access(path.c_str(), W_OK | X_OK) == 0)
        return pass("state directory", root);
    return miss("state directory", fmt::format("{}: {}", path, errno_text(errno)),
                "choose another one with --root");
}

}  // namespace

std::vector<Requirement> check_host(const std::string& state_root) {
    return {check_processor(),     check_user(),
            check_kernel(),        check_kvm_device(),
            check_kvm_interface(), check_kvm_fitness(),
            check_cgroups(),       check_assets(),
            check_memory(),        check_state_root(state_root)};
}

}  // namespace nacre::check
