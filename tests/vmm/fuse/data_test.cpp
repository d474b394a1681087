#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

/// A server with one file, opened for reading and writing.
struct OneFile {
    explicit OneFile(std::string_view content) : client(prepare(share, content)) {
        client.initialize();
        node = client.node(root_node, "file");
        handle = client.handle(node, O_RDWR);
    }
    static const TemporaryShare& prepare(const TemporaryShare& share, std::string_view content) {
        share.write("file", content);
        return share;
    }
    mode_t mode() const {
        struct stat status {};
        stat(share.inside("file").c_str(), &status);
        return status.st_mode & 07777;
    }

    TemporaryShare share;
    FakeClient client;
    NodeId node;
    std::uint64_t handle;
};

}  // namespace

TEST_CASE("guessed and released handles get EBADF") {
    OneFile file("content");
    CHECK(file.client.read(0, 0, 10).error == EBADF);
    CHECK(file.client.read(file.handle + 1, 0, 10).error == EBADF);
    CHECK(file.client.write(~std::uint64_t{0}, 0, "x").error == EBADF);
    fuse_release_in release{};
    release.fh = file.handle;
    CHECK(file.client.call(FUSE_RELEASE, file.node, bytes_of(release)).error == 0);
    CHECK(file.client.call(FUSE_RELEASE, file.node, bytes_of(release)).error == EBADF);
    CHECK(file.client.read(file.handle, 0, 10).error == EBADF);
}

TEST_CASE("READ gives what there is, up to the end and to the guest's space") {
    OneFile file("0123456789");
    CHECK(file.client.read(file.handle, 2, 4).body == "2345");
    CHECK(file.client.read(file.handle, 8, 100).body == "89");
    CHECK(file.client.read(file.handle, 10, 100).body.empty());
    CHECK(file.client.read(file.handle, std::uint64_t{1} << 40, 100).body.empty());
    fuse_read_in in{};
    in.fh = file.handle;
    in.size = 0xffffffff;
    CHECK(file.client.call(FUSE_READ, file.node, bytes_of(in), sizeof(fuse_out_header) + 3).body == "012");
    CHECK(file.client.call(FUSE_READ, file.node, bytes_of(in), sizeof(fuse_out_header)).body.empty());
}

TEST_CASE("offsets that are no offsets get EINVAL") {
    OneFile file("0123456789");
    CHECK(file.client.read(file.handle, ~std::uint64_t{0}, 10).error == EINVAL);
    CHECK(file.client.write(file.handle, ~std::uint64_t{0}, "x").error == EINVAL);
}

TEST_CASE("READ into more pieces than the kernel takes at once is complete") {
    OneFile file(std::string(5000, 'a'));
    fuse_read_in in{};
    in.fh = file.handle;
    in.size = 5000;
    const auto request = file.client.header(FUSE_READ, file.node, sizeof in) + bytes_of(in);
    const auto answer = file.client.send(request, sizeof(fuse_out_header) + 5000, 2);
    CHECK(answer.body == std::string(5000, 'a'));
}

TEST_CASE("WRITE puts bytes where they belong, beyond 4 GiB too") {
    OneFile file("0123456789");
    CHECK(file.client.write(file.handle, 3, "abc").as<fuse_write_out>().size == 3);
    CHECK(file.share.read("file") == "012abc6789");
    const std::uint64_t far = std::uint64_t{5} << 30;
    CHECK(file.client.write(file.handle, far, "far").error == 0);
    CHECK(file.client.read(file.handle, far, 10).body == "far");
}

TEST_CASE("WRITE from more pieces than the kernel takes at once is complete") {
    OneFile file("");
    fuse_write_in in{};
    in.fh = file.handle;
    in.size = 5000;
    const auto arguments = bytes_of(in) + std::string(5000, 'w');
    const auto request = file.client.header(FUSE_WRITE, file.node, arguments.size()) + arguments;
    CHECK(file.client.send(request, 100, 3).as<fuse_write_out>().size == 5000);
    CHECK(file.share.read("file") == std::string(5000, 'w'));
}

TEST_CASE("a WRITE that claims more or less than it carries is refused") {
    OneFile file("content");
    fuse_write_in in{};
    in.fh = file.handle;
    for (const std::uint32_t claimed : {0U, 2U, 4U, 0xffffffffU}) {
        in.size = claimed;
        CHECK(file.client.call(FUSE_WRITE, file.node, bytes_of(in) + "xyz").error == EINVAL);
    }
    CHECK(file.share.read("file") == "content");
}

TEST_CASE("O_APPEND appends wherever the guest thinks the end is, but not pages of its cache") {
    OneFile file("1234");
    const auto handle = file.client.handle(file.node, O_WRONLY | O_APPEND);
    CHECK(file.client.write(handle, 0, "56", O_APPEND).error == 0);
    CHECK(file.share.read("file") == "123456");
    CHECK(file.client.write(handle, 0, "ab", O_APPEND, FUSE_WRITE_CACHE).error == 0);
    CHECK(file.share.read("file") == "ab3456");
}

TEST_CASE("a file opened for reading cannot be written, and the reverse") {
    OneFile file("content");
    CHECK(file.client.write(file.client.handle(file.node, O_RDONLY), 0, "x").error == EBADF);
    CHECK(file.client.read(file.client.handle(file.node, O_WRONLY), 0, 1).error == EBADF);
}

TEST_CASE("an open file is read and written after its name is gone") {
    OneFile file("content");
    CHECK(file.client.call(FUSE_UNLINK, root_node, name_bytes("file")).error == 0);
    CHECK(file.client.write(file.handle, 0, "C").error == 0);
    CHECK(file.client.read(file.handle, 0, 100).body == "Content");
    CHECK(file.client.open(file.node, O_RDONLY).error == 0);
    CHECK(file.client.getattr(file.node).as<fuse_attr_out>().attr.nlink == 0);
}

TEST_CASE("OPEN with O_TRUNC empties the file") {
    OneFile file("content");
    CHECK(file.client.open(file.node, O_WRONLY | O_TRUNC).error == 0);
    CHECK(file.share.read("file").empty());
}

TEST_CASE("set-id bits go when the guest says so, and stay otherwise") {
    if (geteuid() != 0) {
        MESSAGE("skipped: needs root");
        return;
    }
    OneFile file("content");
    const auto path = file.share.inside("file");
    const auto arm = [&] { REQUIRE(chmod(path.c_str(), 06755) == 0); };
    arm();
    file.client.write(file.handle, 0, "x");
    CHECK(file.mode() == 06755);
    file.client.write(file.handle, 0, "x", 0, FUSE_WRITE_KILL_SUIDGID);
    CHECK(file.mode() == 0755);
    arm();
    file.client.open(file.node, O_WRONLY | O_TRUNC);
    CHECK(file.mode() == 06755);
    file.client.write(file.handle, 0, "x");
    file.client.open(file.node, O_WRONLY | O_TRUNC, FUSE_OPEN_KILL_SUIDGID);
    CHECK(file.mode() == 0755);
    arm();
    fuse_setattr_in in{};
    in.valid = FATTR_SIZE;
    in.size = 1;
    file.client.setattr(file.node, in);
    CHECK(file.mode() == 06755);
    in.valid |= FATTR_KILL_SUIDGID;
    in.size = 2;
    file.client.setattr(file.node, in);
    CHECK(file.mode() == 0755);
}

TEST_CASE("FALLOCATE, holes, and where data is") {
    OneFile file("");
    fuse_fallocate_in allocate{};
    allocate.fh = file.handle;
    allocate.length = 1 << 20;
    CHECK(file.client.call(FUSE_FALLOCATE, file.node, bytes_of(allocate)).error == 0);
    CHECK(file.client.getattr(file.node).as<fuse_attr_out>().attr.size == 1 << 20);
    allocate.length = 0;
    CHECK(file.client.call(FUSE_FALLOCATE, file.node, bytes_of(allocate)).error == EINVAL);

    file.share.write("sparse", "");
    const auto handle = file.client.handle(file.client.node(root_node, "sparse"), O_RDWR);
    file.client.write(handle, 1 << 20, "data");
    fuse_lseek_in seek{};
    seek.fh = handle;
    seek.whence = SEEK_HOLE;
    const auto hole = file.client.call(FUSE_LSEEK, file.node, bytes_of(seek));
    CHECK(hole.error == 0);
    seek.whence = SEEK_DATA;
    const auto data = file.client.call(FUSE_LSEEK, file.node, bytes_of(seek)).as<fuse_lseek_out>().offset;
    CHECK(data >= hole.as<fuse_lseek_out>().offset);
    CHECK(data <= 1 << 20);
    seek.offset = 1 << 21;
    CHECK(file.client.call(FUSE_LSEEK, file.node, bytes_of(seek)).error == ENXIO);
    seek.whence = SEEK_CUR;
    CHECK(file.client.call(FUSE_LSEEK, file.node, bytes_of(seek)).error == EINVAL);
}

TEST_CASE("COPY_FILE_RANGE copies on the host") {
    OneFile file("0123456789");
    file.share.write("copy", "");
    fuse_copy_file_range_in in{};
    in.fh_in = file.handle;
    in.off_in = 2;
    in.fh_out = file.client.handle(file.client.node(root_node, "copy"), O_WRONLY);
    in.len = ~std::uint64_t{0};
    CHECK(file.client.call(FUSE_COPY_FILE_RANGE, file.node, bytes_of(in)).as<fuse_write_out>().size == 8);
    CHECK(file.share.read("copy") == "23456789");
    in.fh_out = 99;
    CHECK(file.client.call(FUSE_COPY_FILE_RANGE, file.node, bytes_of(in)).error == EBADF);
}

TEST_CASE("FSYNC, FSYNCDIR and SYNCFS reach the host") {
    OneFile file("content");
    fuse_fsync_in in{};
    in.fh = file.handle;
    CHECK(file.client.call(FUSE_FSYNC, file.node, bytes_of(in)).error == 0);
    in.fsync_flags = FUSE_FSYNC_FDATASYNC;
    CHECK(file.client.call(FUSE_FSYNC, file.node, bytes_of(in)).error == 0);
    CHECK(file.client.call(FUSE_FSYNCDIR, root_node, bytes_of(in)).error == EBADF);
    CHECK(file.client.call(FUSE_SYNCFS, file.node, bytes_of(fuse_syncfs_in{})).error == ENOTDIR);
}
