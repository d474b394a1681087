#include "runtime/vm/mounts_below.h"

#include <doctest/doctest.h>

using nacre::runtime::mounts_below;
using Places = std::vector<std::string>;

namespace {

constexpr auto mountinfo =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 21 0:5 / /srv/data rw - tmpfs tmpfs rw\n"
    "33 31 0:7 / /srv/data/b/c rw - tmpfs tmpfs rw\n"
    "31 30 0:6 / /srv/data/b rw - tmpfs tmpfs rw\n"
    "34 30 0:8 / /srv/data/with\\040space\\134x rw - tmpfs tmpfs rw\n"
    "35 30 0:8 / /srv/data/b rw - tmpfs tmpfs rw\n"
    "36 21 0:9 / /srv/data2/x rw - tmpfs tmpfs rw\n";

}  // namespace

TEST_CASE("lines that are none have no mount point") {
    CHECK(mounts_below("", "/srv").empty());
    CHECK(mounts_below("\n\n21 1 8:1\n/srv/x\n", "/srv").empty());
    CHECK(mounts_below("1 2 3:4 / /srv/x", "/srv") == Places{"x"});
    CHECK(mounts_below("1 2 3:4 / /srv/x\\04", "/srv") == Places{"x\\04"});
}

TEST_CASE("mounts below a directory, outer before inner, each once") {
    CHECK(mounts_below(mountinfo, "/srv/data") == Places{"b", "b/c", "with space\\x"});
    CHECK(mounts_below(mountinfo, "/srv/data/b") == Places{"c"});
    CHECK(mounts_below(mountinfo, "/srv/data2/x").empty());
    CHECK(mounts_below(mountinfo, "/").size() == 5);
}

TEST_CASE("a source that is not there has none") {
    CHECK(mounts_below("/nonexistent/source").empty());
}
