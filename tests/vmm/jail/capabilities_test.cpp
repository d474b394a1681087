#include "vmm/jail/capabilities.h"

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace nacre::jail {
namespace {

CapabilitySet effective() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    REQUIRE(::syscall(SYS_capget, &header, data) == 0);
    return data[0].effective | CapabilitySet{data[1].effective} << 32;
}

TEST_CASE("capabilities are dropped in the calling thread and in no other") {
    const auto before = effective();
    CapabilitySet inside = ~CapabilitySet{0};
    bool dropped = false;
    std::thread([&] {
        dropped = keep_capabilities(0).has_value();
        inside = effective();
    }).join();
    CHECK(dropped);
    CHECK(inside == 0);
    CHECK(effective() == before);
}

TEST_CASE("keeping capabilities gives none that the thread had not") {
    CapabilitySet inside = 0;
    bool again = false;
    std::thread([&] {
        again = keep_capabilities(0).has_value() && keep_capabilities(file_server_capabilities()).has_value();
        inside = effective();
    }).join();
    CHECK(again);
    CHECK(inside == 0);
}

TEST_CASE("file servers keep nothing that administers the system") {
    for (const int capability :
         {CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_NET_ADMIN, CAP_SYS_RAWIO, CAP_BPF})
        CHECK((file_server_capabilities() >> capability & 1) == 0);
}

}  // namespace
}  // namespace nacre::jail
