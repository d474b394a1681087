#include "guest-agent/hotplug.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "vmm/base/file.h"

namespace nacre::agent {

namespace {

std::string name_of(std::uint32_t slot) {
    return fmt::format("virtio-mmio.{}", slot);
}

/// The first entry of `directory` whose name begins with `prefix`, but "." and ".."; empty if there is none.
std::string entry_of(const std::string& directory, const std::string& prefix) {
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
    while (const auto* entry = entries ? ::readdir(entries.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (name != "." && name != ".." && name.starts_with(prefix))
            return name;
    }
    return {};
}

/// Writes the slot's name to a file of the platform driver: "bind" or "unbind".
Result<void> tell_driver(const std::string& sysfs, const char* file, std::uint32_t slot) {
    NACRE_ASSIGN(const auto driver, open_file(sysfs + "/bus/platform/drivers/virtio-mmio/" + file, O_WRONLY));
    const auto name = name_of(slot);
    if (::write(driver.get(), name.data(), name.size()) < 0)
        return fail_errno("{} {}", file, name);
    return {};
}

}  // namespace

Result<FoundDevice> probe_device(const std::string& sysfs, std::uint32_t slot) {
    NACRE_TRY(tell_driver(sysfs, "bind", slot));
    const auto platform_device = sysfs + "/bus/platform/devices/" + name_of(slot);
    const auto virtio_device = entry_of(platform_device, "virtio");
    if (virtio_device.empty())
        return fail_with(ENODEV, "device slot {}", slot);
    for (const char* kind : {"net", "block"}) {
        const auto name = entry_of(platform_device + "/" + virtio_device + "/" + kind, "");
        if (!name.empty())
            return FoundDevice{kind, name};
    }
    return FoundDevice{};
}

Result<void> release_device(const std::string& sysfs, std::uint32_t slot) {
    return tell_driver(sysfs, "unbind", slot);
}

}  // namespace nacre::agent
