#include "vmm/kvm/kvm.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "vmm/base/file.h"

namespace nacre::kvm {
namespace {

TEST_CASE("a descriptor that is not /dev/kvm is refused with the request that failed") {
    auto null = open_file("/dev/null", O_RDWR);
    REQUIRE(null);
    const auto kvm = Kvm::from_fd(std::move(*null));
    REQUIRE_FALSE(kvm);
    CHECK(kvm.error().message.find("KVM_GET_API_VERSION") != std::string::npos);
}

TEST_CASE("a descriptor that is not open is refused") {
    CHECK_FALSE(Kvm::from_fd(FileDescriptor()));
}

TEST_CASE("a vCPU mapping smaller than its structure is refused") {
    CHECK_FALSE(Vcpu::from_fd(FileDescriptor(), sizeof(kvm_run) - 1));
}

}  // namespace
}  // namespace nacre::kvm
