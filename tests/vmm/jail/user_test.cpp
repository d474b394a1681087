#include "vmm/jail/user.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/vmm/jail/on_a_thread.h"

namespace nacre::jail {
namespace {

struct Ids {
    uid_t user[3];
    gid_t group[3];
    int supplementary;
};

Ids ids() {
    Ids ids{};
    ::getresuid(&ids.user[0], &ids.user[1], &ids.user[2]);
    ::getresgid(&ids.group[0], &ids.group[1], &ids.group[2]);
    ids.supplementary = ::getgroups(0, nullptr);
    return ids;
}

bool is_unprivileged(const Ids& ids) {
    const auto is_nobody = [](auto id) { return id == unprivileged_user; };
    return std::ranges::all_of(ids.user, is_nobody) && std::ranges::all_of(ids.group, is_nobody) &&
           ids.supplementary == 0;
}

TEST_CASE("a thread becomes nobody in every respect, and so do those that it starts") {
    CHECK(fake::on_a_thread([] { return become_unprivileged_user().has_value() && is_unprivileged(ids()); }));
    CHECK(fake::on_a_thread([] {
        return become_unprivileged_user().has_value() &&
               fake::on_a_thread([] { return is_unprivileged(ids()); });
    }));
}

TEST_CASE("the other threads of the process stay who they are") {
    const auto before = ::getuid();
    CHECK(fake::on_a_thread([] { return become_unprivileged_user().has_value(); }));
    CHECK(::getuid() == before);
    CHECK(fake::on_a_thread([] { return ::getuid(); }) == before);
}

}  // namespace
}  // namespace nacre::jail
