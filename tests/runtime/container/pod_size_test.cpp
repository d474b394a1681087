#include "runtime/container/pod_size.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20;

VmSize sandbox() {
    VmSize size;
    size.max_memory_bytes = 8192 * mebibyte;
    size.max_vcpus = 4;
    return size;
}

oci::Resources limits(std::int64_t memory_mebibytes, std::int64_t quota = 0) {
    oci::Resources resources;
    resources.memory.emplace().limit = memory_mebibytes << 20;
    if (quota > 0)
        resources.cpu.emplace().quota = quota;
    return resources;
}

}  // namespace

TEST_CASE("a pod without limits, or with small ones, has its sandbox's VM") {
    CHECK(pod_size(sandbox(), {}).memory_bytes == default_memory_bytes);
    CHECK(pod_size(sandbox(), {oci::Resources{}}).memory_bytes == default_memory_bytes);
    CHECK(pod_size(sandbox(), {limits(64), limits(64)}).memory_bytes == default_memory_bytes);
    CHECK(pod_size(sandbox(), {limits(64, 50'000), limits(64, 50'000)}).vcpus == 1);
}

TEST_CASE("limits add up, and so do quotas") {
    CHECK(pod_size(sandbox(), {limits(400), limits(400)}).memory_bytes == (800 + 48) * mebibyte);
    CHECK(pod_size(sandbox(), {limits(64, 150'000), limits(64, 100'000)}).vcpus == 3);
}

TEST_CASE("containers without a limit have the sandbox's size beside the others") {
    CHECK(pod_size(sandbox(), {limits(400), oci::Resources{}}).memory_bytes == (400 + 512) * mebibyte);
}

TEST_CASE("no limit makes a VM larger than it can be") {
    CHECK(pod_size(sandbox(), {limits(INT64_MAX >> 20), limits(INT64_MAX >> 20), limits(INT64_MAX >> 20)}).memory_bytes ==
          8192 * mebibyte);
    CHECK(pod_size(sandbox(), {limits(64, INT64_MAX), limits(64, INT64_MAX)}).vcpus == 4);
}
