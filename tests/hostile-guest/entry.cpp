#include "tests/hostile-guest/platform.h"

// The VMM enters in 64-bit mode with the first GiB mapped, no stack, and boot parameters in rsi.
asm(R"(
    .section .text
    .globl start
start:
    lea stack_end(%rip), %rsp
    mov %rsi, %rdi
    xor %ebp, %ebp
    call enter
1:  hlt
    jmp 1b

    .section .bss
    .balign 4096
    .skip 65536
stack_end:
    .section .text
)");

namespace hostile {

void run();

namespace {

constexpr u64 present_writable = 3;
constexpr u64 large_page = 1 << 7;

alignas(4096) u64 level4[512];
alignas(4096) u64 level3[512];
alignas(4096) u64 level2[4][512];

/// The first 4 GiB, where devices are, and 4 GiB of nothing behind them.
void map_devices() {
    level4[0] = reinterpret_cast<u64>(level3) | present_writable;
    for (u64 table = 0; table < 4; ++table) {
        level3[table] = reinterpret_cast<u64>(level2[table]) | present_writable;
        for (u64 i = 0; i < 512; ++i)
            level2[table][i] = ((table * 512 + i) << 21) | present_writable | large_page;
    }
    asm volatile("mov %0, %%cr3" : : "r"(level4) : "memory");
}

}  // namespace

}  // namespace hostile

extern "C" void enter(const hostile::u8* boot_params) {
    hostile::map_devices();
    hostile::set_boot_params(boot_params);
    hostile::run();
    hostile::halt();
}
