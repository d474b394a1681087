#include "vmm/arch/elf_loader.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "tests/vmm/arch/guest_ram.h"

namespace nacre::arch {
namespace {

constexpr std::uint64_t kRam = 32 * kMebibyte;
constexpr std::uint64_t kLoadAddress = 16 * kMebibyte;
constexpr std::uint64_t kTextOffset = 0x1000;

/// A vmlinux in miniature: one segment of 16 bytes of 0x90 and 16 bytes of bss.
struct Image {
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> segments;
    std::size_t size = kTextOffset + 16;

    Image() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_entry = kLoadAddress + 4;
        header.e_phoff = sizeof(Elf64_Ehdr);
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 1;
        segments.push_back(text());
    }

    static Elf64_Phdr text() {
        Elf64_Phdr segment{};
        segment.p_type = PT_LOAD;
        segment.p_offset = kTextOffset;
        segment.p_paddr = kLoadAddress;
        segment.p_filesz = 16;
        segment.p_memsz = 32;
        return segment;
    }

    void add(Elf64_Phdr segment) {
        segments.push_back(segment);
        header.e_phnum = static_cast<std::uint16_t>(segments.size());
    }

    std::vector<std::byte> bytes() const {
        std::vector<std::byte> file(std::max(size, sizeof(header)), std::byte{0x90});
        std::memcpy(file.data(), &header, sizeof(header));
        if (file.size() >= sizeof(header) + segments.size() * sizeof(Elf64_Phdr))
            std::memcpy(file.data() + sizeof(header), segments.data(), segments.size() * sizeof(Elf64_Phdr));
        file.resize(size);
        return file;
    }
};

Result<LoadedKernel> load(const Image& image, const GuestMemory& memory) {
    const auto file = image.bytes();
    return load_kernel(BytesSource(file), memory);
}

std::string error_of(const Image& image) {
    const auto memory = make_guest_ram(kRam);
    const auto kernel = load(image, memory);
    REQUIRE_FALSE(kernel);
    CHECK(kernel.error().message.starts_with("kernel image: "));
    return kernel.error().message;
}

bool mentions(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("an empty file and a header cut short are refused") {
    Image image;
    for (const std::size_t size : {0U, 1U, 63U}) {
        image.size = size;
        CHECK(mentions(error_of(image), "ends before"));
    }
}

TEST_CASE("what is not an ELF file is refused") {
    Image image;
    image.header.e_ident[0] = 'M';
    CHECK(mentions(error_of(image), "not an ELF file"));
}

TEST_CASE("ELF files of another class, byte order, machine or type are refused") {
    Image narrow;
    narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK(mentions(error_of(narrow), "x86-64"));
    Image big_endian;
    big_endian.header.e_ident[EI_DATA] = ELFDATA2MSB;
    CHECK(mentions(error_of(big_endian), "x86-64"));
    Image arm;
    arm.header.e_machine = EM_AARCH64;
    CHECK(mentions(error_of(arm), "x86-64"));
    Image shared;
    shared.header.e_type = ET_DYN;
    CHECK(mentions(error_of(shared), "executable"));
}

TEST_CASE("program headers of the wrong size or number are refused") {
    Image size;
    size.header.e_phentsize = 32;
    CHECK(mentions(error_of(size), "32 bytes"));
    for (const unsigned count : {0U, 65U, 0xffffU}) {
        Image image;
        image.header.e_phnum = static_cast<std::uint16_t>(count);
        CHECK(mentions(error_of(image), "program headers"));
    }
}

TEST_CASE("program headers outside the file are refused, also where the offset wraps") {
    for (const std::uint64_t offset :
         {std::uint64_t{kTextOffset}, ~std::uint64_t{0}, ~std::uint64_t{0} - 55}) {
        Image image;
        image.header.e_phoff = offset;
        CHECK(mentions(error_of(image), "ends before"));
    }
}

TEST_CASE("a segment whose bytes are outside the file is refused") {
    for (const std::uint64_t offset :
         {std::uint64_t{kTextOffset + 1}, ~std::uint64_t{0}, ~std::uint64_t{0} - 15}) {
        Image image;
        image.segments[0].p_offset = offset;
        CHECK(mentions(error_of(image), "ends before"));
    }
}

TEST_CASE("a segment with more bytes in the file than in memory is refused") {
    Image image;
    image.segments[0].p_memsz = 15;
    CHECK(mentions(error_of(image), "more bytes in the file"));
}

TEST_CASE("a segment outside RAM is refused, also where its end wraps") {
    for (const std::uint64_t address : {kRam, kRam - 31, ~std::uint64_t{0} - 15, ~std::uint64_t{0}}) {
        Image image;
        image.segments[0].p_paddr = address;
        CHECK(mentions(error_of(image), "outside the guest's memory"));
    }
    Image huge;
    huge.segments[0].p_memsz = ~std::uint64_t{0};
    CHECK(mentions(error_of(huge), "outside the guest's memory"));
}

TEST_CASE("a segment in the first MiB, where boot data lies, is refused") {
    Image image;
    image.segments[0].p_paddr = kMebibyte - 1;
    CHECK(mentions(error_of(image), "overlaps"));
}

TEST_CASE("overlapping segments are refused in whichever order they come") {
    for (const std::uint64_t address : {kLoadAddress, kLoadAddress + 31, kLoadAddress - 31}) {
        Image image;
        auto second = Image::text();
        second.p_paddr = address;
        image.add(second);
        CHECK(mentions(error_of(image), "overlaps"));
    }
}

TEST_CASE("an entry point in no segment, or in bss, is refused") {
    for (const std::uint64_t entry : {kLoadAddress - 1, kLoadAddress + 16, std::uint64_t{0}}) {
        Image image;
        image.header.e_entry = entry;
        CHECK(mentions(error_of(image), "entry point"));
    }
}

TEST_CASE("a file without anything to load is refused") {
    Image image;
    image.segments[0].p_type = PT_NOTE;
    CHECK(mentions(error_of(image), "entry point"));
}

TEST_CASE("segments land at their physical addresses and bss stays zero") {
    Image image;
    auto second = Image::text();
    second.p_paddr = kLoadAddress - 4096;
    image.add(second);
    const auto memory = make_guest_ram(kRam);
    const auto kernel = load(image, memory);
    REQUIRE(kernel);
    CHECK(kernel->entry == kLoadAddress + 4);
    CHECK(kernel->end == kLoadAddress + 32);
    CHECK(*memory.read_object<std::uint64_t>(kLoadAddress - 4096) == 0x9090909090909090);
    CHECK(*memory.read_object<std::uint64_t>(kLoadAddress + 8) == 0x9090909090909090);
    CHECK(*memory.read_object<std::uint64_t>(kLoadAddress + 16) == 0);
}

TEST_CASE("segments that are not loadable are skipped, whatever they say") {
    Image image;
    auto note = Image::text();
    note.p_type = PT_NOTE;
    note.p_offset = ~std::uint64_t{0};
    note.p_paddr = ~std::uint64_t{0};
    image.add(note);
    const auto memory = make_guest_ram(kRam);
    CHECK(load(image, memory));
}

}  // namespace
}  // namespace nacre::arch
