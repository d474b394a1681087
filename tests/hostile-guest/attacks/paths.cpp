#include "tests/hostile-guest/attacks/attacks.h"
#include "tests/hostile-guest/fuse.h"

namespace hostile {

namespace {

using fuse::Request;

constexpr u32 type_mask = 0170000;
constexpr u32 type_link = 0120000;
constexpr u32 type_device = 0020000;
constexpr u32 type_fifo = 0010000;
constexpr u32 write_only = 1;
constexpr u32 read_write = 2;
constexpr u32 create = 0100;
constexpr u32 truncate = 01000;

void must_fail(const fuse::Answer& answer, const char* what, const char* name) {
    if (answer.succeeded())
        say(Text() << "ESCAPED: " << what << " \"" << name << "\"");
}

/// Names that are no name in a directory.
constexpr const char* bad_names[] = {"..",        ".",          "",        "/",           "/etc/passwd", "../..",          "../outside",
                                     "bin/../..", "bin/busybox", "./bin", "bin/",        "//",          "../../../../etc", "shared/.."};

void try_bad_names(u64 directory, u64 file) {
    for (const auto* name : bad_names) {
        must_fail(Request(FUSE_LOOKUP, directory).name(name).send(), "LOOKUP", name);
        fuse_mkdir_in mkdir{};
        mkdir.mode = 0777;
        must_fail(Request(FUSE_MKDIR, directory).add(mkdir).name(name).send(), "MKDIR", name);
        fuse_mknod_in mknod{};
        mknod.mode = 0100666;
        must_fail(Request(FUSE_MKNOD, directory).add(mknod).name(name).send(), "MKNOD", name);
        fuse_create_in made{};
        made.flags = create | write_only;
        made.mode = 0666;
        must_fail(Request(FUSE_CREATE, directory).add(made).name(name).send(), "CREATE", name);
        must_fail(Request(FUSE_SYMLINK, directory).name(name).name("target").send(), "SYMLINK", name);
        must_fail(Request(FUSE_UNLINK, directory).name(name).send(), "UNLINK", name);
        must_fail(Request(FUSE_RMDIR, directory).name(name).send(), "RMDIR", name);
        fuse_link_in link{};
        link.oldnodeid = file;
        must_fail(Request(FUSE_LINK, directory).add(link).name(name).send(), "LINK", name);
        fuse_rename_in rename{};
        rename.newdir = directory;
        must_fail(Request(FUSE_RENAME, directory).add(rename).name("bin").name(name).send(), "RENAME to", name);
        must_fail(Request(FUSE_RENAME, directory).add(rename).name(name).name("moved").send(), "RENAME", name);
        fuse_rename2_in exchanged{};
        exchanged.newdir = directory;
        exchanged.flags = 2;
        must_fail(Request(FUSE_RENAME2, directory).add(exchanged).name("bin").name(name).send(), "RENAME2", name);
    }
    // A name without an end, and one longer than any.
    Request(FUSE_LOOKUP, directory).add("..", 2).send();
    memset(arena, 'a', 5000);
    must_fail(Request(FUSE_LOOKUP, directory).add(arena, 5000).send(), "LOOKUP", "a long name");
}

/// `link` is a symbolic link: nothing may go through it.
void try_link(u64 parent, const char* name) {
    u32 mode = 0;
    const u64 link = fuse::look_up(parent, name, &mode);
    if (link == 0 || (mode & type_mask) != type_link)
        return say(Text() << "FAILED: no link " << name);
    must_fail(Request(FUSE_LOOKUP, link).name("secret").send(), "LOOKUP through", name);
    must_fail(Request(FUSE_OPENDIR, link).add(fuse_open_in{}).send(), "OPENDIR of", name);
    must_fail(Request(FUSE_OPEN, link).add(fuse_open_in{}).send(), "OPEN of", name);
    fuse_create_in made{};
    made.flags = create | write_only;
    made.mode = 0666;
    must_fail(Request(FUSE_CREATE, link).add(made).name("planted").send(), "CREATE through", name);
    must_fail(Request(FUSE_UNLINK, link).name("secret").send(), "UNLINK through", name);
    fuse_setattr_in size{};
    size.valid = FATTR_SIZE;
    must_fail(Request(FUSE_SETATTR, link).add(size).send(), "truncating", name);
    fuse_getxattr_in attribute{};
    attribute.size = 4096;
    Request(FUSE_GETXATTR, link).add(attribute).name("security.capability").send();
}

/// What has been given to nobody.
void guess_handles() {
    for (u64 number = 0; number < 600; ++number) {
        const u64 guess = number < 300 ? number : random();
        fuse_read_in read{};
        read.fh = guess;
        read.size = 4096;
        fuse_write_in write{};
        write.fh = guess;
        write.size = 16;
        must_fail(Request(FUSE_READ, fuse::root).add(read).send(), "READ", "a guessed handle");
        must_fail(Request(FUSE_READDIR, fuse::root).add(read).send(), "READDIR", "a guessed handle");
        must_fail(Request(FUSE_WRITE, fuse::root).add(write).add(arena, 16).send(), "WRITE", "a guessed handle");
        // Nodes from 1 on are known; what lies behind them is the container's own.
        Request(FUSE_GETATTR, guess).add(fuse_getattr_in{}).send();
        Request(FUSE_LOOKUP, guess).name("secret").send();
    }
}

void open_device(u64 directory, u32 type, u32 number, const char* name) {
    fuse_mknod_in mknod{};
    mknod.mode = type | 0666;
    mknod.rdev = number;
    Request(FUSE_MKNOD, directory).add(mknod).name(name).send();
    const u64 node = fuse::look_up(directory, name);
    for (const u32 flags : {0U, write_only, read_write}) {
        fuse_open_in open{};
        open.flags = flags;
        if (node != 0)
            must_fail(Request(FUSE_OPEN, node).add(open).send(), "OPEN of the device", name);
    }
    Request(FUSE_UNLINK, directory).name(name).send();
}

/// The mount that the test has made read-only.
u64 read_only_mount() {
    for (u64 index = 0; index < 32; ++index) {
        Text path;
        path << "box/mounts/" << index << "/fixed";
        if (const u64 node = fuse::walk(path.data()))
            return node;
    }
    say(Text() << "FAILED: no read-only mount");
    return 0;
}

void write_where_it_is_read_only(u64 directory, u64 writable) {
    const u64 file = fuse::look_up(directory, "file");
    if (file == 0)
        return say(Text() << "FAILED: no read-only file");
    for (const u32 flags : {write_only, read_write, read_write | truncate}) {
        fuse_open_in open{};
        open.flags = flags;
        must_fail(Request(FUSE_OPEN, file).add(open).send(), "OPEN for writing", "fixed/file");
    }
    fuse_setattr_in change{};
    change.valid = FATTR_SIZE;
    must_fail(Request(FUSE_SETATTR, file).add(change).send(), "truncating", "fixed/file");
    change.valid = FATTR_MODE;
    must_fail(Request(FUSE_SETATTR, file).add(change).send(), "chmod", "fixed/file");
    must_fail(Request(FUSE_UNLINK, directory).name("file").send(), "UNLINK", "fixed/file");
    fuse_rename_in rename{};
    rename.newdir = writable;
    must_fail(Request(FUSE_RENAME, directory).add(rename).name("file").name("taken").send(), "RENAME", "fixed/file");
    fuse_link_in link{};
    link.oldnodeid = file;
    must_fail(Request(FUSE_LINK, writable).add(link).name("linked").send(), "LINK of", "fixed/file");
    // A handle for reading is none for writing.
    const auto opened = Request(FUSE_OPEN, file).add(fuse_open_in{}).send();
    if (!opened.succeeded())
        return say(Text() << "FAILED: the read-only file cannot be read");
    fuse_write_in write{};
    write.fh = opened.as<fuse_open_out>().fh;
    write.size = 16;
    must_fail(Request(FUSE_WRITE, file).add(write).add(arena, 16).send(), "WRITE to", "fixed/file");
    fuse_fallocate_in longer{};
    longer.fh = write.fh;
    longer.length = 4096;
    must_fail(Request(FUSE_FALLOCATE, file).add(longer).send(), "FALLOCATE of", "fixed/file");
}

/// What the share itself consists of is the host's.
void change_share() {
    fuse_mkdir_in mkdir{};
    mkdir.mode = 0777;
    const u64 container = fuse::look_up(fuse::root, "box");
    for (const u64 node : {fuse::root, container}) {
        must_fail(Request(FUSE_MKDIR, node).add(mkdir).name("planted").send(), "MKDIR in", "the share");
        must_fail(Request(FUSE_SYMLINK, node).name("planted").name("/").send(), "SYMLINK in", "the share");
        must_fail(Request(FUSE_RMDIR, node).name("rootfs").send(), "RMDIR of", "the root file system");
    }
    fuse_rename_in rename{};
    rename.newdir = fuse::root;
    must_fail(Request(FUSE_RENAME, container).add(rename).name("rootfs").name("moved").send(), "RENAME of", "the root file system");
}

// --- race

struct Findings {
    u32 directories = 0;
    u32 links = 0;
    u32 nothing = 0;
};

/// Everything that a look-up of a moment ago makes possible.
void use(u64 directory) {
    if (const u64 file = fuse::look_up(directory, "secret")) {
        fuse::read_file(file);
        fuse_open_in open{};
        open.flags = write_only;
        const auto opened = Request(FUSE_OPEN, file).add(open).send();
        if (opened.succeeded()) {
            fuse_write_in write{};
            write.fh = opened.as<fuse_open_out>().fh;
            write.size = 7;
            Request(FUSE_WRITE, file).add(write).add("planted", 7).send();
            fuse_release_in release{};
            release.fh = write.fh;
            Request(FUSE_RELEASE, file).add(release).send();
        }
    }
    fuse_mkdir_in mkdir{};
    mkdir.mode = 0777;
    if (Request(FUSE_MKDIR, directory).add(mkdir).name("planted").send().succeeded())
        Request(FUSE_RMDIR, directory).name("planted").send();
    Request(FUSE_UNLINK, directory).name("only-outside").send();
}

}  // namespace

void attack_paths() {
    fuse::start();
    const u64 root = fuse::container_root();
    const u64 shared = fuse::look_up(root, "shared");
    const u64 file = fuse::look_up(shared, "own");
    for (const u64 directory : {fuse::root, root, shared})
        try_bad_names(directory, file);
    for (const auto* link : {"absolute", "relative", "self"})
        try_link(shared, link);
    guess_handles();
    open_device(shared, type_device, 1 << 8 | 1, "mem");
    open_device(shared, type_device, 10 << 8 | 232, "kvm");
    open_device(shared, type_fifo, 0, "fifo");
    write_where_it_is_read_only(read_only_mount(), shared);
    change_share();
}

/// Another container swaps shared/door, a directory, for a link to the outside all the time, until it makes shared/stop.
void attack_by_race() {
    fuse::start();
    const u64 shared = fuse::look_up(fuse::container_root(), "shared");
    Findings found;
    while (fuse::look_up(shared, "stop") == 0) {
        u32 mode = 0;
        const u64 door = fuse::look_up(shared, "door", &mode);
        if (door == 0)
            ++found.nothing;
        else
            ++((mode & type_mask) == type_link ? found.links : found.directories);
        if (door != 0)
            use(door);
    }
    say(Text() << "door: " << found.directories << " directories, " << found.links << " links, " << found.nothing << " times nothing");
}

}  // namespace hostile
