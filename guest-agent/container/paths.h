#pragma once

#include <string>
#include <string_view>

#include "vmm/base/file_descriptor.h"

/// Paths that a configuration or an image chose, resolved so that they cannot leave the tree they belong to:
/// openat2(2), no magic links, everything further done on the resulting descriptors.
namespace nacre::agent {

enum class PathKind { directory, file };

/// Opens `path` as a process whose root directory is `root` would see it (absolute or not, symbolic links
/// followed within the root). `flags` as openat2 takes them, O_CLOEXEC added.
Result<FileDescriptor> open_in_root(int root, const std::string& path, int flags);

/// The same with O_PATH for what a mount goes onto: what is missing is made (directories 0755; the last
/// component as `kind` says), also where symbolic links point to what does not exist yet.
Result<FileDescriptor> make_in_root(int root, const std::string& path, PathKind kind);

/// Opens the parent directory of `path` like make_in_root(), and gives the last component's name: for what is
/// neither file nor directory. An error for paths without one ("/", "a/..").
struct ParentAndName {
    FileDescriptor parent;
    std::string name;
};
Result<ParentAndName> make_parent_in_root(int root, const std::string& path);

/// Whether `path` is one that the host may name below the share: relative, no empty, "." or ".." components.
bool is_share_path(std::string_view path);

/// Opens `path` below the directory `share` with O_PATH; no symbolic links at all, since the host's file
/// server makes none there.
Result<FileDescriptor> open_in_share(int share, const std::string& path);

/// "/proc/self/fd/<fd>": the file behind a descriptor, for calls that take paths only.
std::string descriptor_path(int fd);

}  // namespace nacre::agent
