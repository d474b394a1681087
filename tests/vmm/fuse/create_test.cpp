#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

Answer create(FakeClient& client, std::string_view name, std::uint32_t flags, std::uint32_t mode = 0644,
              std::uint32_t umask = 0) {
    fuse_create_in in{};
    in.flags = flags;
    in.mode = S_IFREG | mode;
    in.umask = umask;
    return client.call(FUSE_CREATE, root_node, bytes_of(in) + name_bytes(name));
}

Answer mknod(FakeClient& client, std::string_view name, std::uint32_t mode, std::uint32_t device = 0) {
    fuse_mknod_in in{};
    in.mode = mode;
    in.rdev = device;
    return client.call(FUSE_MKNOD, root_node, bytes_of(in) + name_bytes(name));
}

std::uint64_t handle_of(const Answer& answer) {
    return answer.as<fuse_open_out>(sizeof(fuse_entry_out)).fh;
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

TEST_CASE("nothing is created under a name that is no single component") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    for (const std::string_view name : {"", ".", "..", "../escaped", "/escaped", "a/b"}) {
        CHECK(create(client, name, O_RDWR).error == EINVAL);
        CHECK(mknod(client, name, S_IFREG | 0644).error == EINVAL);
        CHECK(client.call(FUSE_MKDIR, root_node, bytes_of(fuse_mkdir_in{0755, 0}) + name_bytes(name)).error ==
              EINVAL);
        CHECK(client.call(FUSE_SYMLINK, root_node, name_bytes(name) + name_bytes("target")).error == EINVAL);
    }
    CHECK(std::filesystem::is_empty(share.inside()));
    CHECK_FALSE(std::filesystem::exists(share.outside("escaped")));
}

TEST_CASE("CREATE makes a file and opens it") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto answer = create(client, "new", O_RDWR | O_EXCL, 0640);
    REQUIRE(answer.error == 0);
    CHECK(answer.as<fuse_entry_out>().attr.mode == (S_IFREG | 0640));
    CHECK(client.write(handle_of(answer), 0, "hello").error == 0);
    CHECK(share.read("new") == "hello");
    CHECK(client.node(root_node, "new") == answer.as<fuse_entry_out>().nodeid);
}

TEST_CASE("CREATE of what exists: EEXIST with O_EXCL, else opened and truncated as asked") {
    const TemporaryShare share;
    share.write("old", "content");
    FakeClient client(share);
    client.initialize();
    CHECK(create(client, "old", O_RDWR | O_EXCL).error == EEXIST);
    const auto opened = create(client, "old", O_RDWR);
    CHECK(client.read(handle_of(opened), 0, 100).body == "content");
    CHECK(create(client, "old", O_WRONLY | O_TRUNC).error == 0);
    CHECK(share.read("old").empty());
}

TEST_CASE("CREATE opens nothing but regular files") {
    const TemporaryShare share;
    std::filesystem::create_symlink(share.outside("secret"), share.inside("link"));
    std::filesystem::create_directory(share.inside("directory"));
    REQUIRE(mkfifo(share.inside("fifo").c_str(), 0600) == 0);
    FakeClient client(share);
    client.initialize();
    CHECK(create(client, "link", O_RDWR).error == ELOOP);
    CHECK(create(client, "directory", O_RDWR).error == EISDIR);
    CHECK(create(client, "fifo", O_RDONLY).error == ENXIO);
    CHECK_FALSE(std::filesystem::exists(share.outside("secret")));
}

TEST_CASE("OPEN opens nothing but regular files") {
    const TemporaryShare share;
    REQUIRE(mkfifo(share.inside("fifo").c_str(), 0600) == 0);
    FakeClient client(share);
    client.initialize();
    CHECK(client.open(client.node(root_node, "fifo"), O_RDONLY).error == ENXIO);
    CHECK(client.open(root_node, O_RDONLY).error == EISDIR);
    if (!is_root())
        return;
    REQUIRE(mknod(client, "null", S_IFCHR | 0666, 0x103).error == 0);
    CHECK(client.open(client.node(root_node, "null"), O_RDWR).error == ENXIO);
    CHECK(create(client, "null", O_RDWR).error == ENXIO);
}

TEST_CASE("access mode 3, for neither reading nor writing, opens") {
    const TemporaryShare share;
    share.write("file", "");
    FakeClient client(share);
    client.initialize();
    CHECK(client.open(client.node(root_node, "file"), O_ACCMODE).error == 0);
    CHECK(create(client, "new", O_ACCMODE).error == 0);
}

TEST_CASE("creation flags of OPEN have no effect") {
    const TemporaryShare share;
    share.write("file", "content");
    FakeClient client(share);
    client.initialize();
    const auto node = client.node(root_node, "file");
    const auto handle = client.handle(node, O_RDWR | O_CREAT | O_EXCL | O_DIRECTORY | O_PATH | O_TMPFILE);
    CHECK(client.read(handle, 0, 100).body == "content");
}

TEST_CASE("the mode is narrowed by the request's umask") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    create(client, "a", O_RDWR, 0666, 027);
    CHECK(host_status(share, "a").st_mode == (S_IFREG | 0640));
    create(client, "b", O_RDWR, 0666, 0);
    CHECK(host_status(share, "b").st_mode == (S_IFREG | 0666));
    client.call(FUSE_MKDIR, root_node, bytes_of(fuse_mkdir_in{0777, 077}) + name_bytes("c"));
    CHECK(host_status(share, "c").st_mode == (S_IFDIR | 0700));
}

TEST_CASE("MKNOD makes files, FIFOs and sockets, and no other types") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    CHECK(mknod(client, "file", S_IFREG | 0644).error == 0);
    CHECK(mknod(client, "fifo", S_IFIFO | 0644).error == 0);
    CHECK(mknod(client, "socket", S_IFSOCK | 0644).error == 0);
    CHECK(S_ISFIFO(host_status(share, "fifo").st_mode));
    CHECK(S_ISSOCK(host_status(share, "socket").st_mode));
    CHECK(mknod(client, "directory", S_IFDIR | 0755).error == EINVAL);
    CHECK(mknod(client, "link", S_IFLNK | 0777).error == EINVAL);
}

TEST_CASE("device nodes get the guest's number") {
    if (!is_root())
        return;
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    REQUIRE(mknod(client, "device", S_IFBLK | 0600, 0x45612378).error == 0);
    CHECK(host_status(share, "device").st_rdev == makedev(0x123, 0x45678));
}

TEST_CASE("SYMLINK stores any text, of any length that fits, and does not follow it") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    const auto answer =
        client.call(FUSE_SYMLINK, root_node, name_bytes("link") + name_bytes("/etc/../../passwd"));
    REQUIRE(answer.error == 0);
    CHECK(S_ISLNK(answer.as<fuse_entry_out>().attr.mode));
    CHECK(client.call(FUSE_READLINK, answer.as<fuse_entry_out>().nodeid, "").body == "/etc/../../passwd");
    const auto too_long = name_bytes("long") + name_bytes(std::string(4096, 'x'));
    CHECK(client.call(FUSE_SYMLINK, root_node, too_long).error == ENAMETOOLONG);
    CHECK(client.call(FUSE_SYMLINK, root_node, name_bytes("half")).error == EINVAL);
}

TEST_CASE("TMPFILE makes a file without a name, which can be given one") {
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    fuse_create_in in{};
    in.flags = O_RDWR;
    in.mode = S_IFREG | 0600;
    const auto answer = client.call(FUSE_TMPFILE, root_node, bytes_of(in) + name_bytes("/"));
    if (answer.error == EOPNOTSUPP) {
        MESSAGE("skipped: the temporary directory's file system has no O_TMPFILE");
        return;
    }
    REQUIRE(answer.error == 0);
    const auto node = answer.as<fuse_entry_out>().nodeid;
    CHECK(std::filesystem::is_empty(share.inside()));
    CHECK(client.write(handle_of(answer), 0, "late").error == 0);
    CHECK(client.call(FUSE_LINK, root_node, bytes_of(fuse_link_in{node}) + name_bytes("named")).error == 0);
    CHECK(share.read("named") == "late");
}

TEST_CASE("what is created belongs to the request's user and group") {
    if (!is_root())
        return;
    const TemporaryShare share;
    FakeClient client(share);
    client.initialize();
    client.user = 1000;
    client.group = 1001;
    CHECK(create(client, "file", O_RDWR).error == 0);  // in a directory of root's: the guest has checked
    CHECK(host_status(share, "file").st_uid == 1000);
    CHECK(host_status(share, "file").st_gid == 1001);
    client.user = 0;
    client.group = 0;
    CHECK(mknod(client, "roots", S_IFREG | 0600).error == 0);
    CHECK(host_status(share, "roots").st_uid == 0);
    CHECK(host_status(share, "roots").st_gid == 0);
}

TEST_CASE("a set-group-id directory hands on its group") {
    if (!is_root())
        return;
    const TemporaryShare share;
    REQUIRE(chown(share.inside().c_str(), 0, 4321) == 0);
    REQUIRE(chmod(share.inside().c_str(), 02777) == 0);
    FakeClient client(share);
    client.initialize();
    client.user = 1000;
    client.group = 1001;
    create(client, "file", O_RDWR);
    client.call(FUSE_MKDIR, root_node, bytes_of(fuse_mkdir_in{0755, 0}) + name_bytes("directory"));
    CHECK(host_status(share, "file").st_gid == 4321);
    CHECK(host_status(share, "directory").st_gid == 4321);
    CHECK((host_status(share, "directory").st_mode & S_ISGID) != 0);
}

TEST_CASE("there are no more open files than the limit") {
    const TemporaryShare share;
    share.write("file", "");
    Options options;
    options.max_handles = 4;  // two of them for files
    FakeClient client(share, options);
    client.initialize();
    const auto node = client.node(root_node, "file");
    const auto first = client.handle(node, O_RDONLY);
    CHECK(client.open(node, O_RDONLY).error == 0);
    CHECK(client.open(node, O_RDONLY).error == ENFILE);
    CHECK(create(client, "new", O_RDWR).error == ENFILE);
    fuse_release_in release{};
    release.fh = first;
    CHECK(client.call(FUSE_RELEASE, node, bytes_of(release)).error == 0);
    CHECK(client.open(node, O_RDONLY).error == 0);
}
