#include "vmm/fuse/attributes.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

fuse_setattr_in change(std::uint32_t valid) {
    fuse_setattr_in in{};
    in.valid = valid;
    return in;
}

struct stat host_status(const TemporaryShare& share, const char* name) {
    struct stat status {};
    REQUIRE(lstat(share.inside(name).c_str(), &status) == 0);
    return status;
}

bool is_root() {
    if (geteuid() == 0)
        return true;
    MESSAGE("skipped: needs root");
    return false;
}

}  // namespace

TEST_CASE("device numbers are packed as Linux packs them") {
    struct statx status {};
    status.stx_rdev_major = 0x123;
    status.stx_rdev_minor = 0x45678;
    CHECK(attributes_from(status, false).rdev == 0x45612378);
}

TEST_CASE("times before 1970 keep their sign") {
    struct statx status {};
    status.stx_mtime.tv_sec = -5;
    CHECK(static_cast<std::int64_t>(attributes_from(status, false).mtime) == -5);
}

TEST_CASE("GETATTR tells what the host's file has") {
    const TemporaryShare share;
    share.write("file", "12345");
    FakeClient client(share);
    client.initialize();
    const auto expected = host_status(share, "file");
    const auto attr = client.getattr(client.node(root_node, "file")).as<fuse_attr_out>().attr;
    CHECK(attr.ino == expected.st_ino);
    CHECK(attr.size == 5);
    CHECK(attr.mode == expected.st_mode);
    CHECK(attr.nlink == 1);
    CHECK(attr.uid == expected.st_uid);
    CHECK(attr.mtimensec == expected.st_mtim.tv_nsec);
    CHECK(attr.flags == 0);
}

TEST_CASE("STATX adds the time of birth") {
    const TemporaryShare share;
    share.write("file", "12345");
    FakeClient client(share);
    client.initialize();
    const auto out = client.call(FUSE_STATX, client.node(root_node, "file"), bytes_of(fuse_statx_in{}))
                         .as<fuse_statx_out>();
    CHECK(out.stat.size == 5);
    CHECK((out.stat.mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
}

TEST_CASE("the mode can be set, the file's type cannot") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    auto in = change(FATTR_MODE);
    in.mode = S_IFDIR | 04751;
    const auto answer = client.setattr(client.node(root_node, "file"), in);
    CHECK(answer.as<fuse_attr_out>().attr.mode == (S_IFREG | 04751));
    CHECK(host_status(share, "file").st_mode == (S_IFREG | 04751));
}

TEST_CASE("truncating by node, by handle, and never without write access") {
    const TemporaryShare share;
    share.write("file", "0123456789");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    auto in = change(FATTR_SIZE);
    in.size = 4;
    CHECK(client.setattr(node, in).as<fuse_attr_out>().attr.size == 4);
    in = change(FATTR_SIZE | FATTR_FH);
    in.size = std::uint64_t{1} << 33;
    in.fh = client.handle(node, O_RDWR);
    CHECK(client.setattr(node, in).as<fuse_attr_out>().attr.size == std::uint64_t{1} << 33);
    in.fh = client.handle(node, O_RDONLY);
    CHECK(client.setattr(node, in).error == EINVAL);
    in.fh = 12345;
    CHECK(client.setattr(node, in).error == EBADF);
    in = change(FATTR_SIZE);
    in.size = ~std::uint64_t{0};
    CHECK(client.setattr(node, in).error == EINVAL);
    CHECK(client.setattr(root_node, in).error == EINVAL);
}

TEST_CASE("times are set to the nanosecond, to now, or left alone") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    auto in = change(FATTR_ATIME | FATTR_MTIME);
    in.atime = 1;
    in.atimensec = 999'999'999;
    in.mtime = static_cast<std::uint64_t>(-3);
    in.mtimensec = 5;
    CHECK(client.setattr(node, in).error == 0);
    auto status = host_status(share, "file");
    CHECK(status.st_atim.tv_sec == 1);
    CHECK(status.st_atim.tv_nsec == 999'999'999);
    CHECK(status.st_mtim.tv_sec == -3);
    CHECK(status.st_mtim.tv_nsec == 5);

    CHECK(client.setattr(node, change(FATTR_MTIME | FATTR_MTIME_NOW)).error == 0);
    status = host_status(share, "file");
    CHECK(status.st_atim.tv_sec == 1);
    CHECK(status.st_mtim.tv_sec > 1'000'000'000);
}

TEST_CASE("nanoseconds that utimensat(2) would take for commands are refused") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    auto in = change(FATTR_MTIME);
    in.mtimensec = UTIME_NOW;
    CHECK(client.setattr(client.node(root_node, "file"), in).error == EINVAL);
}

TEST_CASE("a symbolic link has times of its own") {
    const TemporaryShare share;
    share.write("target", "");
    std::filesystem::create_symlink("target", share.inside("link"));
    FakeClient client(share);
    client.initialize();
    auto in = change(FATTR_MTIME);
    in.mtime = 7;
    CHECK(client.setattr(client.node(root_node, "link"), in).error == 0);
    CHECK(host_status(share, "link").st_mtim.tv_sec == 7);
    CHECK(host_status(share, "target").st_mtim.tv_sec != 7);
}

TEST_CASE("owner and group are set, on links too, and clear set-id bits of files") {
    if (!is_root())
        return;
    const TemporaryShare share;
    share.write("file", "");
    std::filesystem::create_symlink("file", share.inside("link"));
    REQUIRE(chmod(share.inside("file").c_str(), 06755) == 0);
    FakeClient client(share);
    client.initialize();
    auto in = change(FATTR_UID);
    in.uid = 1234;
    in.gid = 77;
    const auto attr = client.setattr(client.node(root_node, "file"), in).as<fuse_attr_out>().attr;
    CHECK(attr.uid == 1234);
    CHECK(attr.gid == host_status(share, "file").st_gid);
    CHECK(attr.mode == (S_IFREG | 0755));
    in = change(FATTR_GID);
    in.gid = 77;
    CHECK(client.setattr(client.node(root_node, "link"), in).error == 0);
    CHECK(host_status(share, "link").st_gid == 77);
    CHECK(host_status(share, "file").st_gid != 77);
}

TEST_CASE("a change of nothing takes set-id bits away") {
    const TemporaryShare share;
    share.write("file", "");
    REQUIRE(chmod(share.inside("file").c_str(), 04755) == 0);
    FakeClient client(share);
    client.initialize();
    const auto answer = client.setattr(client.node(root_node, "file"), change(FATTR_LOCKOWNER));
    CHECK(answer.as<fuse_attr_out>().attr.mode == (S_IFREG | 0755));
}

TEST_CASE("ACCESS goes by the mode bits of the request's user") {
    const TemporaryShare share;
    share.write("file", "");
    REQUIRE(chmod(share.inside("file").c_str(), 0640) == 0);
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    const auto access = [&](std::uint32_t mask) {
        return client.call(FUSE_ACCESS, node, bytes_of(fuse_access_in{mask, 0})).error;
    };
    CHECK(access(R_OK | W_OK) == 0);
    CHECK(access(X_OK) == EACCES);
    CHECK(access(0xff) == EINVAL);
    client.user = 54321;
    CHECK(access(W_OK) == EACCES);
    client.group = 54321;
    CHECK(access(R_OK) == EACCES);
    CHECK(access(F_OK) == 0);
}
