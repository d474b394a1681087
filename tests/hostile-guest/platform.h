#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

/// The bare machine: registers, ports, text, and time. Nothing here checks anything: the VMM is to.
namespace hostile {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

inline constexpr u64 device_registers = 0xd0000000;  // vmm/arch/memory_layout.h
inline constexpr u64 memory_hole = 0xc0000000;

void out8(u16 port, u8 value);
void out16(u16 port, u16 value);
void out32(u16 port, u32 value);
u8 in8(u16 port);
u32 in32(u16 port);
/// One string instruction.
void out_many(u16 port, const void* bytes, u64 count);

template <class T>
T read_mmio(u64 address) {
    return *reinterpret_cast<volatile T*>(address);
}
template <class T>
void write_mmio(u64 address, T value) {
    *reinterpret_cast<volatile T*>(address) = value;
}

inline void barrier() {
    __sync_synchronize();
}
inline void relax() {
    __builtin_ia32_pause();
}

/// Never wakes up again: no interrupt is let in.
[[noreturn]] void halt();

/// Waits until `condition` or for about `turns` looks at it; false then.
template <class Condition>
bool wait_for(Condition condition, u32 turns = 20'000'000) {
    for (u32 i = 0; i < turns; ++i) {
        if (condition())
            return true;
        relax();
    }
    return false;
}

/// Numbers that look random and are the same in each run.
u64 random();

/// A text of bounded length.
class Text {
  public:
    Text& operator<<(const char* text);
    Text& operator<<(u64 number);

    const char* data() const { return bytes_; }
    u32 size() const { return size_; }

  private:
    static constexpr u32 capacity = 256;
    char bytes_[capacity] = {};
    u32 size_ = 0;
};

u32 length_of(const char* text);
bool same(const void* one, const void* other, u64 bytes);
/// Whether `text` stands somewhere in `bytes`.
bool contains(const void* bytes, u64 size, const char* text);

/// The guest's RAM ends here.
u64 end_of_memory();

/// What the image that stands in for an initramfs says: the name of the attack, up to a newline.
Text scenario();

/// Called by entry.cpp, with Linux' boot parameters.
void set_boot_params(const u8* params);

}  // namespace hostile

extern "C" {
void* memcpy(void* target, const void* source, std::size_t bytes);
void* memset(void* target, int value, std::size_t bytes);
}
