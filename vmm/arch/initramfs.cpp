#include "vmm/arch/initramfs.h"

namespace nacre::arch {

Result<MemoryRange> load_initramfs(const ImageSource& image, const GuestMemory& memory,
                                   GuestAddress kernel_end) {
    const auto& low = memory.regions().front();
    const GuestAddress end = low.start + low.mapping.size();
    if (image.size() == 0)
        return fail("initramfs is empty");
    if (kernel_end >= end || image.size() > end - kernel_end - kPageSize)
        return fail("initramfs of {} bytes does not fit into {} MiB beside the kernel", image.size(),
                    low.mapping.size() / kMebibyte);
    const MemoryRange range{(end - image.size()) / kPageSize * kPageSize, image.size()};
    NACRE_ASSIGN(const auto target, memory.slice(range.start, range.size));
    NACRE_TRY(image.place(0, target));
    return range;
}

}  // namespace nacre::arch
