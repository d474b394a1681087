// make_initramfs <agent> <output>: writes the initramfs of a nacre VM, a cpio archive of the kernel's "newc"
// kind (Documentation/driver-api/early-userspace/buffer-format.rst). A tool of the build: unlike cpio(1) it
// makes device nodes and files of root's without being root, and the same bytes every time.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "vmm/base/file.h"

namespace {

using namespace nacre;

constexpr std::size_t alignment = 4;

void pad(std::string& archive) {
    archive.append((alignment - archive.size() % alignment) % alignment, '\0');
}

/// One entry: header, name, content, each padded to four bytes.
void add(std::string& archive, const std::string& name, unsigned mode, const std::string& content = {},
         unsigned device_major = 0, unsigned device_minor = 0) {
    const auto name_size = name.size() + 1;
    constexpr unsigned no_inode = 0, root = 0, links = 1, time = 0;
    archive += fmt::format(
        "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", no_inode,
        mode, root, root, links, time, content.size(), 0, 0, device_major, device_minor, name_size, 0);
    archive.append(name.c_str(), name_size);
    pad(archive);
    archive += content;
    pad(archive);
}

std::string archive_with(const std::string& agent) {
    std::string archive;
    for (const auto* directory :
         {"dev", "mnt", "proc", "run", "run/nacre", "run/nacre/root", "run/nacre/share", "sys"})
        add(archive, directory, S_IFDIR | 0755);
    // The kernel opens /dev/console for the first process; without one that process has no descriptors at
    // all.
    add(archive, "dev/console", S_IFCHR | 0600, {}, 5, 1);
    add(archive, "dev/null", S_IFCHR | 0666, {}, 1, 3);
    add(archive, "init", S_IFREG | 0755, agent);
    add(archive, "TRAILER!!!", 0);
    return archive;
}

Result<void> make(const std::string& agent_path, const std::string& output_path) {
    constexpr std::size_t most = 64 * 1024 * 1024;
    NACRE_ASSIGN(const auto agent, read_file(agent_path, most));
    NACRE_ASSIGN(const auto output, open_file(output_path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return write_all(output.get(), archive_with(agent));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: make_initramfs <agent> <output>\n");
        return EXIT_FAILURE;
    }
    const auto made = make(argv[1], argv[2]);
    if (!made)
        std::fprintf(stderr, "make_initramfs: %s\n", made.error().message.c_str());
    return made ? EXIT_SUCCESS : EXIT_FAILURE;
}
