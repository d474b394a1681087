#include "runtime/check/jail_state.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/temporary_directory.h"

using namespace nacre::check;
namespace fs = std::filesystem;

namespace {

/// A process in a proc(5) made of files.
class FakeProcess {
  public:
    FakeProcess(const std::string& directory, const std::string& namespaces) : directory_(directory) {
        fs::create_directories(directory + "/ns");
        fs::create_directories(directory + "/root");
        for (const auto* name : {"mnt", "pid", "net", "ipc", "uts"})
            fs::create_symlink(std::string(name) + ":[" + namespaces + "]", directory + "/ns/" + name);
        limit(none, none);
    }

    static constexpr auto none = "0                    0                    bytes";

    void limit(const std::string& core_dumps, const std::string& locked_memory) const {
        std::ofstream(directory_ + "/limits")
            << "Limit                     Soft Limit           Hard Limit           Units\n"
            << "Max core file size        " << core_dumps << "\n"
            << "Max locked memory         " << locked_memory << "\n";
    }

    void add_thread(const std::string& id, const std::string& name, const std::string& permitted,
                    const std::string& no_new_privs = "1", const std::string& seccomp = "2",
                    const std::string& user = "") const {
        const auto id_of_user = !user.empty() ? user : name == "virtio-fs" ? "0" : "65534";
        fs::create_directories(directory_ + "/task/" + id);
        std::ofstream(directory_ + "/task/" + id + "/status")
            << "Name:\t" << name << "\nUid:\t" << id_of_user << "\t" << id_of_user << "\t" << id_of_user
            << "\t" << id_of_user << "\nCapInh:\t0000000000000000\nCapPrm:\t" << permitted << "\nCapBnd:\t"
            << bounding << "\nNoNewPrivs:\t" << no_new_privs << "\nSeccomp:\t" << seccomp << "\n";
    }

    const std::string& directory() const { return directory_; }

    std::string bounding = "00000000880000df";

  private:
    std::string directory_;
};

struct Processes {
    nacre::TemporaryDirectory place;
    FakeProcess outside{place.path() + "/1", "100"};
    FakeProcess vmm{place.path() + "/2", "200"};

    bool hold() const { return all_passed(check_jail(vmm.directory(), outside.directory())); }
};

}  // namespace

TEST_CASE("a jail holds with namespaces and a root of its own, and threads that may do little") {
    const Processes processes;
    processes.vmm.add_thread("2", "nacre-vmm", "0000000000000000");
    processes.vmm.add_thread("3", "virtio-fs", "00000000880000df");
    CHECK(processes.hold());
}

TEST_CASE("without a file server nobody may have any capability ever again") {
    Processes processes;
    SUBCASE("as it is") {
        processes.vmm.bounding = "0000000000000000";
        processes.vmm.add_thread("2", "nacre-vmm", "0000000000000000");
        CHECK(processes.hold());
    }
    SUBCASE("one of the file server's could come back") {
        processes.vmm.add_thread("2", "nacre-vmm", "0000000000000000");
        CHECK_FALSE(processes.hold());
    }
}

TEST_CASE("one thread with too much is enough for a jail not to hold") {
    const Processes processes;
    processes.vmm.add_thread("2", "virtio-fs", "0000000000000000");
    SUBCASE("a capability that is for file servers") {
        processes.vmm.add_thread("3", "virtio-blk", "0000000000000001");
    }
    SUBCASE("a capability that is for nobody") {
        processes.vmm.add_thread("3", "virtio-fs", "0000000000200000");
    }
    SUBCASE("new privileges") {
        processes.vmm.add_thread("3", "virtio-fs", "0000000000000000", "0");
    }
    SUBCASE("user 0, where it serves no files") {
        processes.vmm.add_thread("3", "virtio-blk", "0000000000000000", "1", "2", "0");
    }
    SUBCASE("another user, where it serves files") {
        processes.vmm.add_thread("3", "virtio-fs", "0000000000000000", "1", "2", "1000");
    }
    SUBCASE("a working directory in the host's /proc") {
        processes.vmm.add_thread("3", "virtio-fs", "0000000000000000");
        fs::create_directories(processes.outside.directory() + "/self/fd");
        fs::create_directories(processes.outside.directory() + "/sys");
        fs::create_symlink(processes.outside.directory() + "/self/fd",
                           processes.vmm.directory() + "/task/3/cwd");
    }
    SUBCASE("no filter") {
        processes.vmm.add_thread("3", "virtio-fs", "0000000000000000", "1", "0");
    }
    CHECK_FALSE(processes.hold());
}

TEST_CASE("a namespace or the root shared with the host is seen, and what should be off") {
    const Processes processes;
    processes.vmm.add_thread("2", "virtio-fs", "0000000000000000");
    SUBCASE("namespace") {
        fs::remove(processes.vmm.directory() + "/ns/net");
        fs::create_symlink("net:[100]", processes.vmm.directory() + "/ns/net");
    }
    SUBCASE("root") {
        fs::remove(processes.vmm.directory() + "/root");
        fs::create_symlink(processes.outside.directory() + "/root", processes.vmm.directory() + "/root");
    }
    SUBCASE("core dumps") {
        processes.vmm.limit("unlimited            unlimited            bytes", FakeProcess::none);
    }
    SUBCASE("locked memory") {
        processes.vmm.limit(FakeProcess::none, "65536                65536                bytes");
    }
    CHECK_FALSE(processes.hold());
}

TEST_CASE("a process that is gone has no jail that holds") {
    const Processes processes;
    CHECK_FALSE(processes.hold());
    CHECK_FALSE(all_passed(check_jail(processes.place.path() + "/9", processes.outside.directory())));
}
