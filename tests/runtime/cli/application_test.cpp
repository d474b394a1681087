#include "runtime/cli/application.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/runtime/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::cli;

namespace {

constexpr std::array<Option, 1> echo_options{{{"loud", 'l', "", ""}}};

/// Reports what it was given through its exit status: the number of arguments, 10 more if loud.
CommandResult run_count(const Invocation& invocation) {
    return static_cast<int>(invocation.arguments().size()) + (invocation.options.flag("loud") ? 10 : 0);
}

/// Fails with the root that it was given.
CommandResult run_fail(const Invocation& invocation) {
    return fail("root is {}", invocation.global.root);
}

const Command count{"count", "", "", echo_options, 0, 2, run_count};
const Command failing{"failing", "", "", {}, 0, 0, run_fail, 255};
constexpr std::array<const Command*, 2> commands{&count, &failing};

/// Runs a command line and keeps what it logged, away from the test's own output.
class Run {
  public:
    explicit Run(std::vector<std::string> words) {
        words.insert(words.begin(), {"--log", directory_.path() + "/log", "--log-format=json"});
        status = run_application(words, commands);
        log = read_file(directory_.path() + "/log", 10000).value_or("");
    }
    int status = -1;
    std::string log;

  private:
    TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("an unknown command fails with runc's status 3 and text, an unknown option with 1") {
    CHECK(Run({"bogus"}).status == 3);
    CHECK(Run({"help", "bogus"}).status == 3);
    CHECK(Run({"bogus"}).log.find("No help topic for 'bogus'") != std::string::npos);
    CHECK(Run({"checkpoint", "--help"}).status == 3);
    CHECK(Run({"count", "--bogus"}).log.find("flag provided but not defined: -bogus") != std::string::npos);
    CHECK(Run({"--bogus", "count"}).status == 1);
    CHECK(Run({"--log-format=xml", "count"}).status == 1);
    CHECK(Run({"--rootless=perhaps", "count"}).status == 1);
    CHECK(Run({"--cgroup-manager=bogus", "count"}).status == 1);
}

TEST_CASE("too few or too many arguments are refused before the command runs") {
    CHECK(Run({"failing", "x"}).log.find("requires exactly 0 argument(s)") != std::string::npos);
    CHECK(Run({"count", "a", "b", "c"}).status == 1);
}

TEST_CASE("a command's own status is passed on, and its errors have its failure status") {
    CHECK(Run({"count"}).status == 0);
    CHECK(Run({"count", "-l", "a", "b"}).status == 12);
    CHECK(Run({"failing"}).status == 255);
}

TEST_CASE("global options reach the command, in every form that callers use") {
    for (const auto& root : {std::vector<std::string>{"--root", "/r"}, {"--root=/r"}, {"-root", "/r"}}) {
        auto words = root;
        words.insert(words.end(), {"--systemd-cgroup", "--rootless=auto", "--debug", "failing"});
        CHECK(Run(words).log.find("\"msg\":\"root is /r\"") != std::string::npos);
    }
}

TEST_CASE("--debug tells the beginning and the end of a command, but not its options and arguments") {
    const Run run({"--debug", "count", "c1", "secret"});
    CHECK(run.log.find("\"level\":\"debug\",\"msg\":\"count c1: begins\"") != std::string::npos);
    CHECK(run.log.find("count: ends with status 2") != std::string::npos);
    CHECK(run.log.find("secret") == std::string::npos);
}

TEST_CASE("a successful command leaves an empty log file") {
    const Run run({"count"});
    CHECK(run.status == 0);
    CHECK(run.log.empty());
}
