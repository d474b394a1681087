#include "runtime/state/status.h"

#include <doctest/doctest.h>

using namespace nacre::runtime;

namespace {

constexpr Status all[] = {Status::creating, Status::created, Status::running, Status::paused,
                          Status::stopped};

}  // namespace

TEST_CASE("names of states are the words that callers compare, and read back") {
    CHECK(name_of(Status::creating) == "creating");
    CHECK(name_of(Status::created) == "created");
    CHECK(name_of(Status::running) == "running");
    CHECK(name_of(Status::paused) == "paused");
    CHECK(name_of(Status::stopped) == "stopped");
    for (const auto status : all)
        CHECK(status_named(name_of(status)) == status);
    CHECK_FALSE(status_named("dead").has_value());
}

TEST_CASE("the state table") {
    //                      start kill  delete exec
    const bool table[5][4] = {{false, false, false, false},  // creating
                              {true, true, true, true},      // created
                              {false, true, false, true},    // running
                              {false, true, false, false},   // paused
                              {false, false, true, false}};  // stopped
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(can_start(all[i]) == table[i][0]);
        CHECK(can_kill(all[i]) == table[i][1]);
        CHECK(can_delete(all[i]) == table[i][2]);
        CHECK(can_exec(all[i]) == table[i][3]);
    }
}

TEST_CASE("refusals are in runc's words and agree with the table") {
    CHECK(check_can_kill(Status::stopped).error().message == "container not running");
    CHECK(check_can_delete(Status::running, "x1").error().message ==
          "cannot delete container x1 that is not stopped: running");
    CHECK(check_can_exec(Status::stopped).error().message == "cannot exec in a stopped container");
    CHECK(check_can_start(Status::stopped).error().message == "cannot start a container that has stopped");
    for (const auto status : all) {
        CHECK(check_can_start(status).has_value() == can_start(status));
        CHECK(check_can_kill(status).has_value() == can_kill(status));
        CHECK(check_can_delete(status, "x").has_value() == can_delete(status));
        CHECK(check_can_exec(status).has_value() == can_exec(status));
        CHECK(check_can_pause(status).has_value() == can_pause(status));
        CHECK(check_can_resume(status).has_value() == can_resume(status));
        CHECK(check_can_update(status).has_value() == can_update(status));
    }
}
