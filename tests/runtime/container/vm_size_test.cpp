#include "runtime/container/vm_size.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t host_memory = 16384 * mebibyte;
constexpr HostSize host{host_memory, 8};

oci::Spec with_limits(std::optional<std::int64_t> memory, std::optional<std::int64_t> quota,
                      std::optional<std::uint64_t> period) {
    oci::Spec spec;
    spec.linux.resources.emplace();
    spec.linux.resources->memory.emplace();
    spec.linux.resources->memory->limit = memory;
    spec.linux.resources->cpu.emplace();
    spec.linux.resources->cpu->quota = quota;
    spec.linux.resources->cpu->period = period;
    return spec;
}

oci::Spec with_hardware(std::optional<std::uint32_t> vcpus, std::optional<std::uint64_t> memory) {
    oci::Spec spec;
    spec.vm.emplace();
    spec.vm->hw_config = oci::VmHardware{vcpus, memory};
    return spec;
}

oci::Spec sandbox(const oci::StringMap& annotations) {
    oci::Spec spec;
    spec.annotations["io.kubernetes.cri.container-type"] = "sandbox";
    for (const auto& [name, value] : annotations)
        spec.annotations["io.kubernetes.cri." + name] = value;
    return spec;
}

}  // namespace

TEST_CASE("a memory limit beyond all bounds is cut to the host's memory") {
    CHECK(vm_size(with_limits(INT64_MAX, {}, {}), host).memory_bytes == host_memory);
    CHECK(vm_size(with_hardware({}, UINT64_MAX), host).memory_bytes == host_memory);
}

TEST_CASE("a CPU quota of nonsense gives between 1 and 32 vCPUs") {
    CHECK(vm_size(with_limits({}, 0, 0), host).vcpus == 1);
    CHECK(vm_size(with_limits({}, -1, {}), host).vcpus == 1);
    CHECK(vm_size(with_limits({}, INT64_MAX, 1), host).vcpus == 8);
    CHECK(vm_size(with_limits({}, INT64_MAX, 0), {host_memory, 4096}).vcpus == 32);
    CHECK(vm_size(with_hardware(0, {}), host).vcpus == 1);
    CHECK(vm_size(with_hardware(1000, {}), host).vcpus == 32);
}

TEST_CASE("annotations of a sandbox that are no numbers are as none") {
    for (const auto* text : {"", "x", "1x", " 1", "0x10", "99999999999999999999", "-5", "0"}) {
        auto spec =
            sandbox({{"sandbox-memory", text}, {"sandbox-cpu-quota", text}, {"sandbox-cpu-period", text}});
        CHECK(vm_size(spec, host).memory_bytes == default_memory_bytes);
        CHECK(vm_size(spec, host).vcpus == 1);
    }
    const auto odd_period = sandbox({{"sandbox-cpu-quota", "200000"}, {"sandbox-cpu-period", "nonsense"}});
    CHECK(vm_size(odd_period, host).vcpus == 2);
}

TEST_CASE("annotations count for a pod's sandbox alone") {
    auto spec = sandbox({{"sandbox-memory", "1073741824"},
                         {"sandbox-cpu-quota", "300000"},
                         {"sandbox-cpu-period", "100000"}});
    spec.linux.resources = with_limits(10 * mebibyte, 1'000, {}).linux.resources;
    CHECK(vm_size(spec, host).memory_bytes == 1024 * mebibyte + 48 * mebibyte);
    CHECK(vm_size(spec, host).vcpus == 3);
    spec.annotations["io.kubernetes.cri.container-type"] = "container";
    CHECK(vm_size(spec, host).memory_bytes == 64 * mebibyte);
    CHECK(vm_size(spec, host).vcpus == 1);
}

TEST_CASE("limits of the unified form count") {
    oci::Spec spec;
    spec.linux.resources.emplace();
    spec.linux.resources->unified = {{"memory.max", "1073741824"}, {"cpu.max", "300000 100000"}};
    CHECK(vm_size(spec, host).memory_bytes == 1024 * mebibyte + 48 * mebibyte);
    CHECK(vm_size(spec, host).vcpus == 3);
}

TEST_CASE("without limits the VM has the default size") {
    const auto size = vm_size(oci::Spec{}, host);
    CHECK(size.memory_bytes == default_memory_bytes);
    CHECK(size.vcpus == 1);
}

TEST_CASE("a memory limit of none means the default, a tiny one still boots a kernel") {
    CHECK(vm_size(with_limits(-1, {}, {}), host).memory_bytes == default_memory_bytes);
    CHECK(vm_size(with_limits(1, {}, {}), host).memory_bytes == 64 * mebibyte);
}

TEST_CASE("RAM is the limit plus the overhead, in whole mebibytes") {
    CHECK(vm_size(with_limits(100 * mebibyte, {}, {}), host).memory_bytes == 100 * mebibyte + 48 * mebibyte);
    CHECK(vm_size(with_limits(100 * mebibyte + 1, {}, {}), host).memory_bytes ==
          101 * mebibyte + 48 * mebibyte);
}

TEST_CASE("vCPUs are the quota in periods, rounded up") {
    CHECK(vm_size(with_limits({}, 100'000, {}), host).vcpus == 1);
    CHECK(vm_size(with_limits({}, 150'000, 100'000), host).vcpus == 2);
    CHECK(vm_size(with_limits({}, 50'000, 10'000), host).vcpus == 5);
}

TEST_CASE("vm.hwConfig decides where it is given") {
    const auto size = vm_size(with_hardware(4, 128 * mebibyte), host);
    CHECK(size.memory_bytes == 128 * mebibyte);
    CHECK(size.vcpus == 4);
}

TEST_CASE("a VM can grow to the host's memory, in whole mebibytes, one of a fixed size not at all") {
    CHECK(vm_size(oci::Spec{}, host).max_memory_bytes == host_memory);
    CHECK(vm_size(oci::Spec{}, {host_memory - 1, 1}).max_memory_bytes == host_memory);
    CHECK(vm_size(oci::Spec{}, {UINT64_MAX, 1}).max_memory_bytes == 4096ULL << 30);
    CHECK(vm_size(oci::Spec{}, {0, 1}).max_memory_bytes == 64 * mebibyte);
    CHECK(vm_size(with_hardware({}, 128 * mebibyte), host).max_memory_bytes == 128 * mebibyte);
}

TEST_CASE("the overhead has the table of pages in it") {
    CHECK(guest_overhead(0) == 48 * mebibyte);
    CHECK(guest_overhead(1024 * mebibyte) == 48 * mebibyte);
    CHECK(guest_overhead(9 * 1024 * mebibyte) == (48 + 128) * mebibyte);
    CHECK(guest_overhead(INT64_MAX) < INT64_MAX / 32);
}

TEST_CASE("a VM can grow to eight vCPUs or four times its own, within the host's CPUs") {
    CHECK(vm_size(oci::Spec{}, {host_memory, 1}).max_vcpus == 1);
    CHECK(vm_size(oci::Spec{}, {host_memory, 4}).max_vcpus == 4);
    CHECK(vm_size(oci::Spec{}, {host_memory, 64}).max_vcpus == 8);
    CHECK(vm_size(with_limits({}, 600'000, {}), {host_memory, 64}).max_vcpus == 24);
    CHECK(vm_size(with_limits({}, 6'400'000, {}), {host_memory, 4096}).max_vcpus == 32);
    CHECK(vm_size(with_hardware(4, {}), {host_memory, 64}).max_vcpus == 4);
    CHECK(vm_size(with_hardware(4, {}), {host_memory, 1}).max_vcpus == 4);
}
