#include "vmm/arch/cpuid.h"

#include <algorithm>
#include <bit>

namespace nacre::arch {
namespace {

constexpr std::uint32_t bit(unsigned number) {
    return std::uint32_t{1} << number;
}

/// `word` with bits [low, low + width) replaced by `value`.
constexpr std::uint32_t with_field(std::uint32_t word, unsigned low, unsigned width, std::uint32_t value) {
    const std::uint32_t mask = (bit(width) - 1) << low;
    return (word & ~mask) | ((value << low) & mask);
}

struct Topology {
    std::uint32_t id;
    std::uint32_t count;

    /// Bits of an APIC ID that tell cores apart.
    std::uint32_t core_bits() const { return static_cast<std::uint32_t>(std::bit_width(count - 1)); }
    std::uint32_t id_space() const { return bit(core_bits()); }
};

// Leaf 1, feature bits.
constexpr std::uint32_t kMonitor = bit(3);
constexpr std::uint32_t kVmx = bit(5);
constexpr std::uint32_t kPerfCapabilities = bit(15);
constexpr std::uint32_t kTscDeadline = bit(24);
constexpr std::uint32_t kHypervisor = bit(31);
constexpr std::uint32_t kHyperThreading = bit(28);  // EDX: the counts in EBX mean something

void set_features(kvm_cpuid_entry2& leaf, const Topology& topology) {
    leaf.ebx = with_field(leaf.ebx, 16, 8, topology.id_space());
    leaf.ebx = with_field(leaf.ebx, 24, 8, topology.id);
    leaf.ecx |= kHypervisor | kTscDeadline;
    leaf.ecx &= ~(kMonitor | kVmx | kPerfCapabilities);
    leaf.edx = topology.count > 1 ? leaf.edx | kHyperThreading : leaf.edx & ~kHyperThreading;
}

/// KVM's APIC timer never stops; without this bit Linux wants a PIT.
void set_always_running_timer(kvm_cpuid_entry2& leaf) {
    leaf.eax |= bit(2);
}

/// Leaf 4 and 0x8000001d: caches below the third level belong to one core, the others to all.
void set_cache_sharing(kvm_cpuid_entry2& leaf, const Topology& topology) {
    const std::uint32_t type = leaf.eax & 0x1f;
    const std::uint32_t level = (leaf.eax >> 5) & 7;
    if (type != 0)
        leaf.eax = with_field(leaf.eax, 14, 12, level >= 3 ? topology.id_space() - 1 : 0);
}

void set_caches_intel(kvm_cpuid_entry2& leaf, const Topology& topology) {
    set_cache_sharing(leaf, topology);
    if ((leaf.eax & 0x1f) != 0)
        leaf.eax = with_field(leaf.eax, 26, 6, topology.id_space() - 1);
}

// Leaf 0x80000001, ECX.
constexpr std::uint32_t kCmpLegacy = bit(1);
constexpr std::uint32_t kSvm = bit(2);
constexpr std::uint32_t kPerfCounters = bit(23) | bit(24) | bit(28);  // core, northbridge, last-level cache

void set_features_amd(kvm_cpuid_entry2& leaf, const Topology& topology) {
    leaf.ecx &= ~(kSvm | kPerfCounters);
    // Reserved on Intel, where KVM reports it clear and it must stay so.
    if (topology.count == 1)
        leaf.ecx &= ~kCmpLegacy;
}

void set_core_count_amd(kvm_cpuid_entry2& leaf, const Topology& topology) {
    leaf.ecx = with_field(leaf.ecx, 0, 8, topology.count - 1);
    leaf.ecx = with_field(leaf.ecx, 12, 4, topology.core_bits());
}

void set_core_id_amd(kvm_cpuid_entry2& leaf, const Topology& topology) {
    leaf.eax = topology.id;
    leaf.ebx = topology.id;  // core ID; threads per core - 1 is 0
    leaf.ecx = 0;            // node 0 of 1
    leaf.edx = 0;
}

void clear(kvm_cpuid_entry2& leaf) {
    leaf.eax = leaf.ebx = leaf.ecx = leaf.edx = 0;
}

/// Leaves that tell the host's topology subleaf by subleaf, and are written anew.
bool is_extended_topology(const kvm_cpuid_entry2& leaf) {
    return leaf.function == 0xb || leaf.function == 0x1f;
}

void adjust(kvm_cpuid_entry2& leaf, const Topology& topology) {
    switch (leaf.function) {
        case 0x1:
            return set_features(leaf, topology);
        case 0x4:
            return set_caches_intel(leaf, topology);
        case 0x6:
            return set_always_running_timer(leaf);
        case 0xa:         // Intel performance monitoring
        case 0x80000022:  // AMD performance monitoring
        case 0x80000026:  // AMD extended topology: the host's
        case 0x8000000a:  // SVM
            return clear(leaf);
        case 0x80000001:
            return set_features_amd(leaf, topology);
        case 0x80000008:
            return set_core_count_amd(leaf, topology);
        case 0x8000001d:
            return set_cache_sharing(leaf, topology);
        case 0x8000001e:
            return set_core_id_amd(leaf, topology);
    }
}

kvm_cpuid_entry2 topology_level(std::uint32_t function, std::uint32_t level, std::uint32_t type,
                                std::uint32_t shift, std::uint32_t processors, std::uint32_t id) {
    kvm_cpuid_entry2 leaf{};
    leaf.function = function;
    leaf.index = level;
    leaf.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    leaf.eax = shift;
    leaf.ebx = processors;
    leaf.ecx = level | (type << 8);
    leaf.edx = id;
    return leaf;
}

/// One thread a core, then all cores in the package, then the end.
void append_extended_topology(std::vector<kvm_cpuid_entry2>& leaves, std::uint32_t function,
                              const Topology& topology) {
    constexpr std::uint32_t kThreadLevel = 1;
    constexpr std::uint32_t kCoreLevel = 2;
    leaves.push_back(topology_level(function, 0, kThreadLevel, 0, 1, topology.id));
    leaves.push_back(
        topology_level(function, 1, kCoreLevel, topology.core_bits(), topology.count, topology.id));
    leaves.push_back(topology_level(function, 2, 0, 0, 0, topology.id));
}

std::uint32_t highest_basic_leaf(std::span<const kvm_cpuid_entry2> leaves) {
    const auto leaf0 = std::ranges::find(leaves, 0U, &kvm_cpuid_entry2::function);
    return leaf0 == leaves.end() ? 0 : leaf0->eax;
}

}  // namespace

std::vector<kvm_cpuid_entry2> guest_cpuid(std::span<const kvm_cpuid_entry2> supported, std::uint32_t id,
                                          std::uint32_t count) {
    const Topology topology{id, count};
    std::vector<kvm_cpuid_entry2> leaves;
    leaves.reserve(supported.size() + 6);
    std::ranges::copy_if(supported, std::back_inserter(leaves),
                         [](const auto& leaf) { return !is_extended_topology(leaf); });
    for (auto& leaf : leaves)
        adjust(leaf, topology);
    for (const std::uint32_t function : {0xbU, 0x1fU})
        if (highest_basic_leaf(supported) >= function)
            append_extended_topology(leaves, function, topology);
    return leaves;
}

}  // namespace nacre::arch
