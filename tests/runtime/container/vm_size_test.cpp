#include "runtime/container/vm_size.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;
constexpr std::uint64_t host_memory = 16384 * mebibyte;

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

}  // namespace

TEST_CASE("a memory limit beyond all bounds is cut to the host's memory") {
    CHECK(vm_size(with_limits(INT64_MAX, {}, {}), host_memory).memory_bytes == host_memory);
    CHECK(vm_size(with_hardware({}, UINT64_MAX), host_memory).memory_bytes == host_memory);
}

TEST_CASE("a CPU quota of nonsense gives between 1 and 32 vCPUs") {
    CHECK(vm_size(with_limits({}, 0, 0), host_memory).vcpus == 1);
    CHECK(vm_size(with_limits({}, -1, {}), host_memory).vcpus == 1);
    CHECK(vm_size(with_limits({}, INT64_MAX, 1), host_memory).vcpus == 32);
    CHECK(vm_size(with_hardware(0, {}), host_memory).vcpus == 1);
    CHECK(vm_size(with_hardware(1000, {}), host_memory).vcpus == 32);
}

TEST_CASE("limits of the unified form count") {
    oci::Spec spec;
    spec.linux.resources.emplace();
    spec.linux.resources->unified = {{"memory.max", "1073741824"}, {"cpu.max", "300000 100000"}};
    CHECK(vm_size(spec, host_memory).memory_bytes == 1024 * mebibyte + guest_overhead_bytes);
    CHECK(vm_size(spec, host_memory).vcpus == 3);
}

TEST_CASE("without limits the VM has the default size") {
    const auto size = vm_size(oci::Spec{}, host_memory);
    CHECK(size.memory_bytes == default_memory_bytes);
    CHECK(size.vcpus == 1);
}

TEST_CASE("a memory limit of none means the default, a tiny one still boots a kernel") {
    CHECK(vm_size(with_limits(-1, {}, {}), host_memory).memory_bytes == default_memory_bytes);
    CHECK(vm_size(with_limits(1, {}, {}), host_memory).memory_bytes == 64 * mebibyte);
}

TEST_CASE("RAM is the limit plus the overhead, in whole mebibytes") {
    CHECK(vm_size(with_limits(100 * mebibyte, {}, {}), host_memory).memory_bytes ==
          100 * mebibyte + guest_overhead_bytes);
    CHECK(vm_size(with_limits(100 * mebibyte + 1, {}, {}), host_memory).memory_bytes ==
          101 * mebibyte + guest_overhead_bytes);
}

TEST_CASE("vCPUs are the quota in periods, rounded up") {
    CHECK(vm_size(with_limits({}, 100'000, {}), host_memory).vcpus == 1);
    CHECK(vm_size(with_limits({}, 150'000, 100'000), host_memory).vcpus == 2);
    CHECK(vm_size(with_limits({}, 50'000, 10'000), host_memory).vcpus == 5);
}

TEST_CASE("vm.hwConfig decides where it is given") {
    const auto size = vm_size(with_hardware(4, 128 * mebibyte), host_memory);
    CHECK(size.memory_bytes == 128 * mebibyte);
    CHECK(size.vcpus == 4);
}
