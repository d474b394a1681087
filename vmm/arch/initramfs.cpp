#include "vmm/arch/initramfs.h"

namespace nacre::arch {

Result<MemoryRange> load_initramfs(const ImageSource& image, const GuestMemory& memory,
                                   GuestAddress kernel_end) {
    const auto& low = memory.regions().front();
    const GuestAddress end = low.start + low.mapping.size();
    if (image.size() == 0)
        return fail("initramfs is empty");
    const GuestAddress start = image.size() > end ? 0 : (end - image.size()) / kPageSize * kPageSize;
    if (start < kernel_end)
        return fail("initramfs of {} bytes does not fit into {} MiB beside the kernel", image.size(),
                    low.mapping.size() / kMebibyte);
    const MemoryRange range{start, image.size()};
    NACRE_ASSIGN(const auto target, memory.slice(range.start, range.size));
    NACRE_TRY(image.place(0, target));
    return range;
}

}  // namespace nacre::arch
