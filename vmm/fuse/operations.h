#pragma once

#include "vmm/fuse/operation.h"

/// A handler for each request that the server knows, one file a group; FUSE(4) and fs/fuse/ in Linux 6.12 say
/// what each is for.
namespace nacre::fuse::operations {

// connection.cpp
Outcome<> init(Call&);
Outcome<> destroy(Call&);

// lookup.cpp
Outcome<> lookup(Call&);
Outcome<> forget(Call&);
Outcome<> batch_forget(Call&);

// attributes_get.cpp, attributes_set.cpp
Outcome<> getattr(Call&);
Outcome<> statx(Call&);
Outcome<> access(Call&);
Outcome<> setattr(Call&);

// create.cpp
Outcome<> mknod(Call&);
Outcome<> mkdir(Call&);
Outcome<> symlink(Call&);
Outcome<> create(Call&);
Outcome<> tmpfile(Call&);

// names.cpp
Outcome<> link(Call&);
Outcome<> unlink(Call&);
Outcome<> rmdir(Call&);
Outcome<> rename(Call&);
Outcome<> rename2(Call&);
Outcome<> readlink(Call&);

// open.cpp
Outcome<> open(Call&);
Outcome<> release(Call&);

// data.cpp
Outcome<> read(Call&);
Outcome<> write(Call&);
Outcome<> fallocate(Call&);
Outcome<> lseek(Call&);
Outcome<> copy_file_range(Call&);
Outcome<> fsync(Call&);

// directory.cpp
Outcome<> opendir(Call&);
Outcome<> readdir(Call&);
Outcome<> readdirplus(Call&);
Outcome<> releasedir(Call&);
Outcome<> fsyncdir(Call&);

// xattr.cpp
Outcome<> getxattr(Call&);
Outcome<> listxattr(Call&);
Outcome<> setxattr(Call&);
Outcome<> removexattr(Call&);

// whole.cpp
Outcome<> statfs(Call&);
Outcome<> syncfs(Call&);

}  // namespace nacre::fuse::operations
