#include "vmm/arch/command_line.h"

#include <fmt/format.h>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {

std::string command_line(const CommandLineOptions& options) {
    // reboot=k, panic=-1: a panic resets at once through the keyboard controller, where the VMM sees it.
    // no_timer_check, tsc=reliable: there is no PIT to check other clocks against.
    // earlyprintk: what it says before it has a console, to the VMM's serial port.
    // noreplace-smp, retain_initrd: patching lock prefixes out and overwriting the freed initramfs would copy
    // thousands of pages that the VM shares with the host's page cache.
    // page_reporting_order: free memory is told to the host in blocks of 128 KiB and more. At the default, 2
    // MiB, the kernel tells of nothing while less than 64 MiB are free, and a small VM never has that.
    // online_policy: memory that comes later is three quarters at most for what can be moved away when it has
    // to go again.
    // numdummies=0: the driver makes dummy0 at once where it is built in, and containers would see that.
    std::string line =
        "quiet earlyprintk=serial,0x3f8 reboot=k panic=-1 no_timer_check tsc=reliable noreplace-smp "
        "retain_initrd page_reporting.page_reporting_order=5 memory_hotplug.online_policy=auto-movable "
        "dummy.numdummies=0 rdinit=/init";
    line += fmt::format(" maxcpus={}", options.vcpus);
    if (options.console)
        line += " console=hvc0";
    for (std::uint32_t slot = 0; slot < options.virtio_devices; ++slot)
        line += fmt::format(" virtio_mmio.device=4K@{:#x}:{}", kVirtioMmioBase + slot * kVirtioMmioSize,
                            kVirtioFirstIrq + slot);
    return line;
}

}  // namespace nacre::arch
