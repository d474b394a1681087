#include "runtime/state/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string_view>
#include <vector>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

namespace {

/// A state directory is nowhere near as deep; the bound keeps the recursion within the stack.
constexpr int max_depth = 64;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

std::vector<std::string> names_in(DIR* directory) {
    std::vector<std::string> names;
    while (const auto* entry = ::readdir(directory)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..")
            names.emplace_back(name);
    }
    return names;
}

Result<void> unlink_entry(int parent, const std::string& name, int flags) {
    if (::unlinkat(parent, name.c_str(), flags) < 0 && errno != ENOENT)
        return fail_errno("remove {}", name);
    return {};
}

Result<void> remove_below(int parent, const std::string& name, int depth) {
    if (depth > max_depth)
        return fail("remove {}: more than {} directories deep", name, max_depth);
    FileDescriptor fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && (errno == ENOTDIR || errno == ELOOP))
        return unlink_entry(parent, name, 0);
    if (!fd)
        return errno == ENOENT ? Result<void>() : fail_errno("open {}", name);
    const Directory directory(::fdopendir(fd.get()), ::closedir);
    if (directory == nullptr)
        return fail_errno("read {}", name);
    const int opened = fd.release();  // closedir() closes it
    for (const auto& entry : names_in(directory.get()))
        NACRE_TRY(remove_below(opened, entry, depth + 1));
    return unlink_entry(parent, name, AT_REMOVEDIR);
}

}  // namespace

Result<void> remove_tree(int parent, const std::string& name) {
    return remove_below(parent, name, 0);
}

}  // namespace nacre::runtime
