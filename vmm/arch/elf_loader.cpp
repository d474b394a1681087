#include "vmm/arch/elf_loader.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "vmm/arch/memory_layout.h"

namespace nacre::arch {
namespace {

constexpr std::size_t kMaxProgramHeaders = 64;

Result<void> check_header(const Elf64_Ehdr& header) {
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail("not an ELF file (a bzImage must be unpacked to a vmlinux first)");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
        return fail("not an ELF file for x86-64");
    if (header.e_type != ET_EXEC)
        return fail("not an ELF executable (type {})", header.e_type);
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        return fail("ELF program headers of {} bytes", header.e_phentsize);
    if (header.e_phnum == 0 || header.e_phnum > kMaxProgramHeaders)
        return fail("{} ELF program headers (1 to {} are allowed)", header.e_phnum, kMaxProgramHeaders);
    return {};
}

Result<std::vector<Elf64_Phdr>> read_segments(const ImageSource& image, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> segments(header.e_phnum);
    NACRE_TRY(image.read(header.e_phoff, std::as_writable_bytes(std::span(segments))));
    std::erase_if(segments, [](const Elf64_Phdr& segment) {
        return segment.p_type != PT_LOAD || segment.p_memsz == 0;
    });
    std::ranges::sort(segments, {}, &Elf64_Phdr::p_paddr);
    return segments;
}

/// Checks one segment against RAM and the end of the one before, and loads it. Returns its end.
Result<GuestAddress> load_segment(const ImageSource& image, const GuestMemory& memory,
                                  const Elf64_Phdr& segment, GuestAddress previous_end) {
    if (segment.p_filesz > segment.p_memsz)
        return fail("ELF segment at {:#x} has more bytes in the file than in memory", segment.p_paddr);
    if (segment.p_paddr < previous_end)
        return fail("ELF segment at {:#x} overlaps what ends at {:#x}", segment.p_paddr, previous_end);
    const auto target = memory.slice(segment.p_paddr, segment.p_memsz);
    if (!target)
        return fail("ELF segment at {:#x} of {:#x} bytes is outside the guest's memory", segment.p_paddr,
                    segment.p_memsz);
    NACRE_TRY(image.place(segment.p_offset, target->first(segment.p_filesz)));
    return segment.p_paddr + segment.p_memsz;
}

Result<LoadedKernel> load(const ImageSource& image, const GuestMemory& memory) {
    Elf64_Ehdr header;
    NACRE_TRY(image.read(0, std::as_writable_bytes(std::span(&header, 1))));
    NACRE_TRY(check_header(header));
    NACRE_ASSIGN(const auto segments, read_segments(image, header));

    LoadedKernel kernel{header.e_entry, kHighMemoryStart};
    bool entry_loaded = false;
    for (const auto& segment : segments) {
        NACRE_ASSIGN(kernel.end, load_segment(image, memory, segment, kernel.end));
        entry_loaded |=
            header.e_entry >= segment.p_paddr && header.e_entry - segment.p_paddr < segment.p_filesz;
    }
    if (!entry_loaded)
        return fail("ELF entry point {:#x} is in no segment", header.e_entry);
    return kernel;
}

}  // namespace

Result<LoadedKernel> load_kernel(const ImageSource& image, const GuestMemory& memory) {
    auto kernel = load(image, memory);
    if (!kernel)
        return add_context(kernel.error(), "kernel image");
    return kernel;
}

}  // namespace nacre::arch
