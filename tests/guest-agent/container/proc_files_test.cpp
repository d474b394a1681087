#include "guest-agent/container/proc_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::agent;

namespace {

FileDescriptor own_proc() {
    return open_file("/proc", O_PATH | O_DIRECTORY).value();
}

}  // namespace

TEST_CASE("the boot time is the number after btime at the beginning of a line") {
    CHECK(boot_time_in("cpu 1 2\nbtime 1700000000\nprocesses 3\n") == 1'700'000'000);
    CHECK(boot_time_in("btime 7\n") == 7);
    for (const auto* text : {"", "btime", "btime ", "cpu btime 9\n", "btime x\n", "btime 99999999999\n"})
        CHECK(boot_time_in(text) == 0);
}

TEST_CASE("a process is what the kernel says of it") {
    const auto pid = static_cast<std::uint32_t>(::getpid());
    const auto files = read_proc_files_in(own_proc().get(), pid - 1);
    REQUIRE(files);
    CHECK(files->boot_time > 1'000'000'000);
    REQUIRE_FALSE(files->processes.empty());
    const auto& own = files->processes.front();
    CHECK(own.pid == pid);
    CHECK(own.stat.starts_with(std::to_string(pid) + " ("));
    CHECK(own.status.find("\nPid:\t" + std::to_string(pid) + "\n") != std::string::npos);
    CHECK(own.cmdline.find("agent_container_test") != std::string::npos);
}

TEST_CASE("processes come in the order of their pids, from the one after the last that is known") {
    const auto all = read_proc_files_in(own_proc().get(), 0);
    REQUIRE(all);
    CHECK(std::ranges::is_sorted(all->processes, {}, &protocol::ProcessFiles::pid));
    const auto none = read_proc_files_in(own_proc().get(), 0xffffffff);
    REQUIRE(none);
    CHECK(none->processes.empty());
    CHECK_FALSE(none->more);
}

TEST_CASE("a directory that is no procfs is an error") {
    CHECK_FALSE(read_proc_files_in(open_file("/", O_PATH | O_DIRECTORY).value().get(), 0));
}
