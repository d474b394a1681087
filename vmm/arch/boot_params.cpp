#include "vmm/arch/boot_params.h"

#include <asm/bootparam.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

namespace nacre::arch {
namespace {

constexpr std::uint16_t kBootFlag = 0xaa55;
constexpr std::uint32_t kHeaderMagic = 0x53726448;  // "HdrS"
constexpr std::uint16_t kBootProtocol = 0x020f;
constexpr std::uint8_t kUnregisteredLoader = 0xff;
constexpr std::uint32_t kKernelAlignment = 0x1000000;
constexpr std::uint32_t kE820Ram = 1;
constexpr std::uint32_t kE820Reserved = 2;

struct RandomSeed {
    std::uint64_t next;
    std::uint32_t type;
    std::uint32_t length;
    std::array<std::byte, 32> seed;
};

void add_e820(boot_params& params, MemoryRange range, std::uint32_t type) {
    params.e820_table[params.e820_entries++] = {range.start, range.size, type};
}

void fill_e820(boot_params& params, std::uint64_t memory_bytes) {
    add_e820(params, {0, kMpTableAddress}, kE820Ram);
    add_e820(params, {kMpTableAddress, kMpTableSize}, kE820Reserved);
    // From 640 KiB to 1 MiB a PC has no RAM, and the kernel expects none.
    for (const auto& range : ram_ranges(memory_bytes)) {
        const auto start = std::max(range.start, kHighMemoryStart);
        add_e820(params, {start, range.end() - start}, kE820Ram);
    }
}

Result<void> write_random_seed(const GuestMemory& memory) {
    RandomSeed seed{0, SETUP_RNG_SEED, sizeof(RandomSeed::seed), {}};
    if (::getrandom(seed.seed.data(), seed.seed.size(), 0) != static_cast<ssize_t>(seed.seed.size()))
        return fail_errno("getrandom");
    return memory.write_object(kRandomSeedAddress, seed);
}

Result<void> write_command_line(const GuestMemory& memory, const std::string& text) {
    if (text.size() >= kCommandLineSize)
        return fail("the kernel command line has {} bytes; {} are allowed", text.size(),
                    kCommandLineSize - 1);
    NACRE_ASSIGN(const auto target, memory.slice(kCommandLineAddress, text.size() + 1));
    std::ranges::copy(std::as_bytes(std::span(text.c_str(), text.size() + 1)), target.begin());
    return {};
}

}  // namespace

Result<void> write_boot_params(const GuestMemory& memory, const BootInfo& info) {
    boot_params params{};
    params.hdr.boot_flag = kBootFlag;
    params.hdr.header = kHeaderMagic;
    params.hdr.version = kBootProtocol;
    params.hdr.type_of_loader = kUnregisteredLoader;
    params.hdr.kernel_alignment = kKernelAlignment;
    params.hdr.cmd_line_ptr = kCommandLineAddress;
    params.hdr.cmdline_size = static_cast<std::uint32_t>(info.command_line.size());
    params.hdr.ramdisk_image = static_cast<std::uint32_t>(info.initramfs.start);
    params.hdr.ramdisk_size = static_cast<std::uint32_t>(info.initramfs.size);
    params.hdr.setup_data = kRandomSeedAddress;
    fill_e820(params, info.memory_bytes);
    NACRE_TRY(write_command_line(memory, info.command_line));
    NACRE_TRY(write_random_seed(memory));
    return memory.write_object(kBootParamsAddress, params);
}

}  // namespace nacre::arch
