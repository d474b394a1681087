#include "tests/hostile-guest/attacks/attacks.h"
#include "tests/hostile-guest/fuse.h"

namespace hostile {

namespace {

using fuse::Request;

constexpr u32 most = 20'000;

/// Opens the same directory, and reads a little of it, until the server has had enough.
u32 open_directories(u64 node) {
    for (u32 i = 0; i < most; ++i) {
        const auto opened = Request(FUSE_OPENDIR, node).add(fuse_open_in{}).send();
        if (!opened.succeeded())
            return i;
        fuse_read_in read{};
        read.fh = opened.as<fuse_open_out>().fh;
        read.size = 64;
        Request(FUSE_READDIR, node).add(read).send();
    }
    return most;
}

u32 open_files(u64 directory) {
    const u64 file = fuse::look_up(directory, "own");
    for (u32 i = 0; i < most; ++i) {
        if (!Request(FUSE_OPEN, file).add(fuse_open_in{}).send().succeeded())
            return i;
    }
    return most;
}

/// Never forgets a file that it has made.
u32 make_files(u64 directory) {
    for (u32 i = 0; i < 1000; ++i) {
        Text name;
        name << "hoarded-" << i;
        fuse_mknod_in mknod{};
        mknod.mode = 0100666;
        if (!Request(FUSE_MKNOD, directory).add(mknod).name(name.data()).send().succeeded())
            return i;
    }
    return 1000;
}

}  // namespace

void attack_by_hoarding() {
    fuse::start();
    const u64 shared = fuse::look_up(fuse::container_root(), "shared");
    const u32 files = make_files(shared);
    const u32 directories = open_directories(shared);
    const u32 opened = open_files(shared);
    say(Text() << "hoarded: " << files << " files, " << directories << " directories, " << opened << " open files");
}

}  // namespace hostile
