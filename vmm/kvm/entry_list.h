#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>

namespace nacre::kvm {

/// The head of struct kvm_cpuid2 and struct kvm_msrs as the kernel sees it. In C++ the flexible array in those
/// structures makes them larger than in C, and with it the ioctl numbers that encode their size.
struct EntryListHeader {
    std::uint32_t count;
    std::uint32_t padding;
};
static_assert(sizeof(EntryListHeader) == 8);

constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, EntryListHeader);
constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, EntryListHeader);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, EntryListHeader);

/// An EntryListHeader with `count` zeroed entries behind it, in one piece of memory.
template <class Entry>
class EntryList {
    static_assert(std::is_trivially_copyable_v<Entry>);
    static_assert(sizeof(EntryListHeader) % alignof(Entry) == 0);

  public:
    explicit EntryList(std::size_t count)
        : bytes_(std::make_unique<std::byte[]>(sizeof(EntryListHeader) + count * sizeof(Entry))) {
        header()->count = static_cast<std::uint32_t>(count);
    }

    explicit EntryList(std::span<const Entry> entries) : EntryList(entries.size()) {
        if (!entries.empty())
            std::memcpy(this->entries(), entries.data(), entries.size_bytes());
    }

    // The kernel's ABI is exactly this layout; memory from new is aligned for any type.
    EntryListHeader* header() { return reinterpret_cast<EntryListHeader*>(bytes_.get()); }
    Entry* entries() { return reinterpret_cast<Entry*>(bytes_.get() + sizeof(EntryListHeader)); }

  private:
    std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace nacre::kvm
