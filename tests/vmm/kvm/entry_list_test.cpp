#include "vmm/kvm/entry_list.h"

#include <doctest/doctest.h>

#include <vector>

namespace nacre::kvm {
namespace {

TEST_CASE("entries begin 8 bytes behind the count, as the kernel expects") {
    const std::vector<kvm_msr_entry> msrs = {{1, 0, 2}, {3, 0, 4}};
    EntryList<kvm_msr_entry> list{std::span<const kvm_msr_entry>(msrs)};
    const auto* bytes = reinterpret_cast<const std::byte*>(list.header());
    CHECK(list.header()->count == 2);
    CHECK(reinterpret_cast<const std::byte*>(list.entries()) == bytes + 8);
    CHECK(list.entries()[1].index == 3);
    CHECK(list.entries()[1].data == 4);
}

TEST_CASE("a new list is zeroed, and an empty one is allowed") {
    EntryList<kvm_cpuid_entry2> list(3);
    CHECK(list.header()->count == 3);
    CHECK(list.entries()[2].function == 0);
    EntryList<kvm_cpuid_entry2> empty{std::span<const kvm_cpuid_entry2>()};
    CHECK(empty.header()->count == 0);
}

TEST_CASE("the ioctl numbers are those that C programs use") {
    // <linux/kvm.h> compiled as C.
    CHECK(kGetSupportedCpuid == 0xc008ae05);
    CHECK(kSetCpuid2 == 0x4008ae90);
    CHECK(kSetMsrs == 0x4008ae89);
}

}  // namespace
}  // namespace nacre::kvm
