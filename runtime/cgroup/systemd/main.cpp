// nacre-systemd start|set UNIT [NAME SIGNATURE VALUE…]…, nacre-systemd stop UNIT: one request to systemd. Why
// it failed is one line on standard error.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/cgroup/systemd/manager.h"

namespace {

using namespace nacre;

Result<void> run(const std::vector<std::string>& words) {
    if (words.size() < 2 || (words[0] == "stop" && words.size() != 2))
        return fail("usage: nacre-systemd start|set UNIT [NAME SIGNATURE VALUE...]... | stop UNIT");
    NACRE_ASSIGN(auto manager, systemd::Manager::connect());
    const auto properties = std::span(words).subspan(2);
    if (words[0] == "start")
        return manager.start(words[1], properties);
    if (words[0] == "set")
        return manager.set(words[1], properties);
    if (words[0] == "stop")
        return manager.stop(words[1]);
    return fail("unknown request {}", words[0]);
}

}  // namespace

int main(int argc, char** argv) {
    const auto done = run({argv + 1, argv + argc});
    if (done)
        return EXIT_SUCCESS;
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return EXIT_FAILURE;
}
