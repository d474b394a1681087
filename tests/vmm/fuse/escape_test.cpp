#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

/// What lies beside the share: names, and the content of one file.
struct Surroundings {
    explicit Surroundings(const TemporaryShare& temporary) : share(temporary) {
        std::filesystem::create_directory(share.outside("secret"));
        std::ofstream(share.outside("secret/file")) << "secret";
    }
    void check_untouched() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry :
             std::filesystem::directory_iterator(share.outside("secret")))
            ++count;
        CHECK(count == 1);
        std::string content;
        std::getline(std::ifstream(share.outside("secret/file")), content);
        CHECK(content == "secret");
        for (const auto& entry : std::filesystem::directory_iterator(share.outside())) {
            const auto name = entry.path().filename();
            CHECK((name == "share" || name == "secret"));
        }
    }
    const TemporaryShare& share;
};

Answer create(FakeClient& client, NodeId parent, std::string_view name) {
    fuse_create_in in{};
    in.flags = O_RDWR;
    in.mode = S_IFREG | 0600;
    return client.call(FUSE_CREATE, parent, bytes_of(in) + name_bytes(name));
}

}  // namespace

TEST_CASE("swapping a directory with a link to the outside never leads there") {
    const TemporaryShare share;
    const Surroundings surroundings(share);
    std::filesystem::create_directory(share.inside("swapped"));
    std::filesystem::create_directory_symlink(share.outside("secret"), share.inside("other"));
    std::atomic<bool> done = false;
    std::thread swapper([&] {
        const auto one = share.inside("swapped");
        const auto two = share.inside("other");
        while (!done)
            renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
    });
    FakeClient client(share);
    client.initialize();
    for (int round = 0; round < 2000; ++round) {
        const auto entry = client.lookup(root_node, "swapped").as<fuse_entry_out>();
        const auto found = client.lookup(entry.nodeid, "file");
        CHECK(found.as<fuse_entry_out>().nodeid == 0);
        create(client, entry.nodeid, "planted");
        client.call(FUSE_UNLINK, entry.nodeid, name_bytes("file"));
        client.forget(entry.nodeid, 1);
    }
    done = true;
    swapper.join();
    surroundings.check_untouched();
}

TEST_CASE("swapping a file with a link to the outside never opens what is there") {
    const TemporaryShare share;
    const Surroundings surroundings(share);
    share.write("swapped", "inside");
    std::filesystem::create_symlink(share.outside("secret/file"), share.inside("other"));
    std::atomic<bool> done = false;
    std::thread swapper([&] {
        const auto one = share.inside("swapped");
        const auto two = share.inside("other");
        while (!done)
            renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
    });
    FakeClient client(share);
    client.initialize();
    for (int round = 0; round < 2000; ++round) {
        const auto answer = create(client, root_node, "swapped");
        if (answer.error != 0)
            continue;
        const auto handle = answer.as<fuse_open_out>(sizeof(fuse_entry_out)).fh;
        CHECK(client.read(handle, 0, 100).body == "inside");
        fuse_release_in release{};
        release.fh = handle;
        client.call(FUSE_RELEASE, root_node, bytes_of(release));
    }
    done = true;
    swapper.join();
    surroundings.check_untouched();
}

TEST_CASE("a directory moved out of the share while the guest knows it has no way up") {
    const TemporaryShare share;
    const Surroundings surroundings(share);
    std::filesystem::create_directories(share.inside("a/b"));
    FakeClient client(share);
    client.initialize();
    const auto inner = client.walk("a/b");
    CHECK(client.lookup(inner, "..").error == EINVAL);
    fuse_rename2_in in{};
    in.newdir = inner;
    CHECK(client.call(FUSE_RENAME2, inner, bytes_of(in) + name_bytes("..") + name_bytes("x")).error ==
          EINVAL);
    surroundings.check_untouched();
}

TEST_CASE("magic links are data: /proc-like links in the share lead nowhere") {
    const TemporaryShare share;
    const Surroundings surroundings(share);
    std::filesystem::create_symlink("/proc/self/root", share.inside("root"));
    std::filesystem::create_symlink("/proc/self/fd/0", share.inside("fd"));
    FakeClient client(share);
    client.initialize();
    for (const auto* name : {"root", "fd"}) {
        const auto node = client.node(root_node, name);
        CHECK(client.lookup(node, "etc").error == ENOTDIR);
        CHECK(client.open(node, O_RDWR).error == ENXIO);
        fuse_setattr_in in{};
        in.valid = FATTR_SIZE;
        CHECK(client.setattr(node, in).error == EINVAL);
        CHECK(create(client, root_node, name).error == ELOOP);
    }
    surroundings.check_untouched();
}

TEST_CASE("requests of random bytes are answered and change nothing outside") {
    const TemporaryShare share;
    const Surroundings surroundings(share);
    share.write("file", "content");
    std::filesystem::create_directory(share.inside("directory"));
    std::filesystem::create_symlink("../secret", share.inside("link"));
    FakeClient client(share);
    client.initialize();
    std::mt19937 random(20260101);  // NOLINT: the same requests in every run
    const auto below = [&](std::uint32_t limit) { return std::uint32_t(random() % limit); };
    const std::string_view names[] = {"file", "directory", "link", "..", "../secret", "secret", "new", "x/y"};
    for (int round = 0; round < 20000; ++round) {
        std::string arguments;
        for (std::uint32_t size = below(10) * 4; arguments.size() < size;)
            arguments += below(3) == 0 ? bytes_of(std::uint32_t(random())) : bytes_of(below(8));
        for (std::uint32_t count = below(3); count > 0; --count)
            arguments += name_bytes(names[below(std::size(names))]);
        std::uint32_t opcode = 1 + below(54);
        if (opcode == FUSE_DESTROY || opcode == FUSE_SYNCFS || opcode == FUSE_FSYNC)
            opcode = FUSE_LOOKUP;
        client.call(opcode, below(12), arguments, below(3) * 64);
    }
    surroundings.check_untouched();
}
