#include "vmm/arch/image_source.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/arch/memory_layout.h"
#include "vmm/base/file.h"
#include "vmm/base/file_descriptor.h"
#include "vmm/base/memory_mapping.h"

namespace nacre::arch {
namespace {

constexpr std::size_t kFileSize = 3 * kPageSize + 100;

std::byte content(std::size_t offset) {
    return static_cast<std::byte>(offset % 251 + 1);
}

/// A file whose byte at each offset is content(offset).
FileDescriptor make_file() {
    FileDescriptor file(::memfd_create("image", MFD_CLOEXEC));
    REQUIRE(file);
    std::vector<std::byte> bytes(kFileSize);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = content(i);
    REQUIRE(write_all(file.get(), bytes));
    return file;
}

bool holds_content(std::span<const std::byte> bytes, std::size_t offset) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (bytes[i] != content(offset + i))
            return false;
    return true;
}

TEST_CASE("reading past the end is an error, also where offset and length wrap") {
    const auto file = make_file();
    const auto source = FileSource::open(file.get(), "image");
    REQUIRE(source);
    std::vector<std::byte> target(200);
    CHECK_FALSE(source->read(kFileSize - 199, target));
    CHECK_FALSE(source->read(~std::uint64_t{0} - 100, target));
    CHECK_FALSE(source->place(kFileSize - 199, target));
    CHECK(source->read(kFileSize - 200, target));
    CHECK(holds_content(target, kFileSize - 200));
}

TEST_CASE("a pipe is no image") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const FileDescriptor read_end(ends[0]);
    const FileDescriptor write_end(ends[1]);
    CHECK_FALSE(FileSource::open(read_end.get(), "image"));
}

TEST_CASE("place() gives the same bytes whatever the alignment, and nothing besides") {
    const auto file = make_file();
    const auto source = FileSource::open(file.get(), "image");
    REQUIRE(source);
    struct Case {
        std::size_t file_offset, memory_offset, length;
    };
    for (const auto [from, to, length] :
         {Case{0, 0, kFileSize}, Case{0, 0, kPageSize}, Case{0, 1, kFileSize},
          Case{100, kPageSize + 100, 2 * kPageSize}, Case{kPageSize, 0, 2 * kPageSize + 100},
          Case{10, 10, 20}, Case{10, 10, kPageSize}, Case{0, 0, 0}}) {
        auto memory = MemoryMapping::anonymous(8 * kPageSize);
        REQUIRE(memory);
        const auto target = memory->bytes().subspan(to, length);
        REQUIRE(source->place(from, target));
        CHECK(holds_content(target, from));
        for (std::size_t i = 0; i < memory->size(); ++i)
            if (i < to || i >= to + length)
                REQUIRE(memory->bytes()[i] == std::byte{0});
    }
}

TEST_CASE("what the guest writes into placed pages does not reach the file") {
    const auto file = make_file();
    const auto source = FileSource::open(file.get(), "image");
    REQUIRE(source);
    auto memory = MemoryMapping::anonymous(2 * kPageSize);
    REQUIRE(memory);
    REQUIRE(source->place(0, memory->bytes()));
    memory->bytes()[0] = std::byte{0};
    std::byte first{};
    REQUIRE(source->read(0, {&first, 1}));
    CHECK(first == content(0));
}

}  // namespace
}  // namespace nacre::arch
