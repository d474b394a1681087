#include "runtime/container/capability_warnings.h"

#include <doctest/doctest.h>

using namespace nacre;
using runtime::capability_warnings;

namespace {

oci::Process with(oci::Capabilities capabilities) {
    oci::Process process;
    process.capabilities = std::move(capabilities);
    return process;
}

}  // namespace

TEST_CASE("nothing is said of sets that can be had") {
    CHECK(capability_warnings({}).empty());
    oci::Capabilities sets;
    sets.bounding = sets.permitted = sets.effective = sets.inheritable =
        sets.ambient = {"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"};
    CHECK(capability_warnings(with(sets)).empty());
}

TEST_CASE("names that Linux does not have are told once, in one line") {
    oci::Capabilities sets;
    sets.bounding = sets.ambient = {"CAP_UNKNOWN", "CHOWN", "CAP_CHOWN"};
    sets.permitted = sets.inheritable = {"CAP_CHOWN"};
    CHECK(capability_warnings(with(sets)) ==
          std::vector<std::string>{"ignoring unknown or unavailable capabilities: [CAP_UNKNOWN CHOWN]"});
}

TEST_CASE("an ambient capability must be permitted and inheritable") {
    oci::Capabilities sets;
    sets.permitted = {"CAP_KILL", "CAP_CHOWN"};
    sets.inheritable = {"CAP_KILL", "CAP_SYSLOG"};
    sets.ambient = {"CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"};
    CHECK(capability_warnings(with(sets)) ==
          std::vector<std::string>{"can't raise ambient capability CAP_CHOWN: operation not permitted",
                                   "can't raise ambient capability CAP_SYSLOG: operation not permitted"});
}
