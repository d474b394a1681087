#include "vmm/fuse/worker.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

fuse_init_in init_of(std::uint32_t major, std::uint32_t minor) {
    fuse_init_in in{};
    in.major = major;
    in.minor = minor;
    return in;
}

}  // namespace

TEST_CASE("a request without a whole header is answered with EINVAL") {
    const TemporaryShare share;
    FakeClient client(share);
    for (const std::size_t length : {0U, 1U, 39U}) {
        const auto answer = client.send(std::string(length, '\x01'), 4096);
        CHECK(answer.error == EINVAL);
        CHECK(answer.length == sizeof(fuse_out_header));
    }
}

TEST_CASE("a header that tells another length than there is gets EINVAL") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    CHECK(client.send(client.header(FUSE_GETATTR, root_node, 100) + "short", 4096).error == EINVAL);
    CHECK(client.send(client.header(FUSE_STATFS, root_node, 0) + "surplus", 4096).error == EINVAL);
}

TEST_CASE("unknown requests get ENOSYS under their own number") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    for (const std::uint32_t opcode : {0U, 7U, 19U, 53U, 4096U, 0xffffffffU}) {
        const auto answer = client.call(opcode, root_node, "");
        CHECK(answer.error == ENOSYS);
        CHECK(answer.unique == 4711);
    }
}

TEST_CASE("nothing but INIT is answered before INIT, nor after DESTROY") {
    const TemporaryShare share;
    FakeClient client(share);
    CHECK(client.getattr(root_node).error == EIO);
    CHECK(client.initialize().error == 0);
    CHECK(client.getattr(root_node).error == 0);
    CHECK(client.call(FUSE_DESTROY, 0, "").error == 0);
    CHECK(client.getattr(root_node).error == EIO);
}

TEST_CASE("every request that is too short for its arguments gets an error") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const std::uint32_t without_arguments[] = {FUSE_READLINK, FUSE_STATFS, FUSE_OPENDIR, FUSE_DESTROY,
                                               FUSE_SYNCFS};
    for (std::uint32_t opcode = 1; opcode <= FUSE_STATX; ++opcode) {
        if (std::ranges::find(without_arguments, opcode) != std::end(without_arguments))
            continue;
        CAPTURE(opcode);
        const auto answer = client.call(opcode, root_node, "");
        const bool silent = opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
        CHECK((silent ? answer.length == 0 : answer.error != 0));
    }
}

TEST_CASE("a request longer than any real one gets E2BIG") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    CHECK(client.call(FUSE_LOOKUP, root_node, std::string(200'000, 'x')).error == E2BIG);
}

TEST_CASE("without room for a header nothing is written") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto request = client.header(FUSE_STATFS, root_node, 0);
    CHECK(client.send(request, 0).length == 0);
    CHECK(client.send(request, 15).length == 0);
}

TEST_CASE("a reply that does not fit becomes an error that does") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto answer = client.call(FUSE_STATFS, root_node, "", sizeof(fuse_out_header) + 8);
    CHECK(answer.error == ERANGE);
    CHECK(answer.length == sizeof(fuse_out_header));
}

TEST_CASE("requests and replies may be scattered byte by byte") {
    const TemporaryShare share;
    share.write("a", "content");
    FakeClient client(share);
    client.initialize();
    const auto arguments = name_bytes("a");
    const auto answer =
        client.send(client.header(FUSE_LOOKUP, root_node, arguments.size()) + arguments, 4096, 1);
    CHECK(answer.error == 0);
    CHECK(answer.as<fuse_entry_out>().attr.size == 7);
}

TEST_CASE("INIT agrees on the lower minor version and on flags both sides know") {
    const TemporaryShare share;
    FakeClient client(share);
    auto in = init_of(7, 38);
    in.flags = FUSE_ASYNC_READ | FUSE_INIT_EXT;
    const auto out = client.call(FUSE_INIT, 0, bytes_of(in)).as<fuse_init_out>();
    CHECK(out.major == 7);
    CHECK(out.minor == 38);
    CHECK(out.flags == (FUSE_ASYNC_READ | FUSE_INIT_EXT));
    CHECK(out.flags2 == 0);
    CHECK(out.max_write == max_payload);
}

TEST_CASE("INIT of a newer major version is told ours") {
    const TemporaryShare share;
    FakeClient client(share);
    const auto out = client.call(FUSE_INIT, 0, bytes_of(init_of(8, 0))).as<fuse_init_out>();
    CHECK(out.major == 7);
    CHECK(client.getattr(root_node).error == EIO);
}

TEST_CASE("INIT of a version too old is refused") {
    const TemporaryShare share;
    FakeClient client(share);
    CHECK(client.call(FUSE_INIT, 0, bytes_of(init_of(7, 12))).error == EPROTO);
    CHECK(client.call(FUSE_INIT, 0, bytes_of(init_of(6, 99))).error == EPROTO);
}

TEST_CASE("locks are left to the guest's kernel") {
    const TemporaryShare share;
    FakeClient client(share);
    const auto out = client.initialize().as<fuse_init_out>();
    CHECK((out.flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS)) == 0);
}

TEST_CASE("a second INIT starts anew: old nodes and handles are gone") {
    const TemporaryShare share;
    share.write("a", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "a");
    const auto handle = client.handle(node, O_RDONLY);
    client.initialize();
    CHECK(client.getattr(node).error == ESTALE);
    CHECK(client.read(handle, 0, 10).error == EBADF);
    CHECK(client.getattr(root_node).error == 0);
}
