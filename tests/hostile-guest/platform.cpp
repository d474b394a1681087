#include "tests/hostile-guest/platform.h"

extern "C" {

void* memcpy(void* target, const void* source, std::size_t bytes) {
    void* const result = target;
    asm volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(bytes) : : "memory");
    return result;
}

void* memset(void* target, int value, std::size_t bytes) {
    void* const result = target;
    asm volatile("rep stosb" : "+D"(target), "+c"(bytes) : "a"(value) : "memory");
    return result;
}
}

namespace hostile {

namespace {

// Offsets in Linux' boot parameters (Documentation/arch/x86/boot.rst, zero-page.rst).
constexpr u32 e820_count = 0x1e8;
constexpr u32 e820_table = 0x2d0;
constexpr u32 e820_entry_bytes = 20;
constexpr u32 ramdisk_image = 0x218;
constexpr u32 ramdisk_size = 0x21c;

const u8* boot_params;

template <class T>
T at(const u8* place) {
    T value;
    memcpy(&value, place, sizeof value);
    return value;
}

}  // namespace

void set_boot_params(const u8* params) {
    boot_params = params;
}

void out8(u16 port, u8 value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void out16(u16 port, u16 value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

void out32(u16 port, u32 value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

u8 in8(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

u32 in32(u16 port) {
    u32 value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void out_many(u16 port, const void* bytes, u64 count) {
    asm volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(port) : "memory");
}

void halt() {
    for (;;)
        asm volatile("cli; hlt");
}

u64 random() {
    static u64 state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

Text& Text::operator<<(const char* text) {
    for (; *text != '\0' && size_ + 1 < capacity; ++text)
        bytes_[size_++] = *text;
    return *this;
}

Text& Text::operator<<(u64 number) {
    char digits[21] = {};
    char* first = digits + 20;
    do
        *--first = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return *this << first;
}

u32 length_of(const char* text) {
    u32 length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}

bool same(const void* one, const void* other, u64 bytes) {
    const auto* left = static_cast<const u8*>(one);
    const auto* right = static_cast<const u8*>(other);
    for (u64 i = 0; i < bytes; ++i) {
        if (left[i] != right[i])
            return false;
    }
    return true;
}

bool contains(const void* bytes, u64 size, const char* text) {
    const u64 length = length_of(text);
    for (u64 i = 0; i + length <= size; ++i) {
        if (same(static_cast<const u8*>(bytes) + i, text, length))
            return true;
    }
    return false;
}

u64 end_of_memory() {
    u64 end = 0;
    for (u32 i = 0; i < boot_params[e820_count]; ++i) {
        const u8* entry = boot_params + e820_table + i * e820_entry_bytes;
        const u64 entry_end = at<u64>(entry) + at<u64>(entry + 8);
        if (entry_end < memory_hole && entry_end > end)
            end = entry_end;
    }
    return end;
}

Text scenario() {
    Text name;
    const auto* text = reinterpret_cast<const char*>(u64{at<u32>(boot_params + ramdisk_image)});
    for (u32 i = 0; i < at<u32>(boot_params + ramdisk_size) && text[i] != '\n'; ++i) {
        const char one[2] = {text[i], '\0'};
        name << one;
    }
    return name;
}

}  // namespace hostile
