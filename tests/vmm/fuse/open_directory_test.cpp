#include "vmm/fuse/open_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <set>

#include "tests/vmm/fuse/fake_client.h"

using namespace nacre;
using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

/// Ten files, and what "." and ".." are.
constexpr std::size_t entries = 12;

struct Directory {
    TemporaryShare share;

    Directory() {
        for (std::size_t i = 2; i < entries; ++i)
            share.write("file" + std::to_string(i), "");
    }

    std::unique_ptr<OpenDirectory> open(BufferBudget& budget) const {
        FileDescriptor descriptor(::open(share.inside().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(descriptor);
        return std::make_unique<OpenDirectory>(std::move(descriptor), budget);
    }
};

/// One request, for at most `most` entries.
std::vector<std::string> read(OpenDirectory& directory, std::size_t most) {
    std::vector<std::string> names;
    const OpenDirectory::Reading reading(directory);
    while (names.size() < most) {
        const auto entry = directory.peek();
        REQUIRE(entry);
        if (!*entry)
            break;
        names.emplace_back((*entry)->name);
        directory.advance();
    }
    return names;
}

}  // namespace

TEST_CASE("a half read directory keeps what is left, one that is read to its end nothing") {
    const Directory files;
    BufferBudget budget(1);
    const auto directory = files.open(budget);
    CHECK(read(*directory, 3).size() == 3);
    CHECK(budget.left() == 0);
    CHECK(read(*directory, 100).size() == entries - 3);
    CHECK(budget.left() == 1);
    CHECK(read(*directory, 100).empty());
}

TEST_CASE("beyond the budget nothing is kept, and no entry is lost or told twice") {
    const Directory files;
    BufferBudget budget(1);
    const auto first = files.open(budget);
    const auto second = files.open(budget);
    CHECK(read(*first, 1).size() == 1);
    std::multiset<std::string> names;
    for (int portion = 0; portion < 20; ++portion) {
        for (const auto& name : read(*second, 1))
            names.insert(name);
        CHECK(budget.left() == 0);
    }
    CHECK(names.size() == entries);
    CHECK(std::set(names.begin(), names.end()).size() == entries);
}

TEST_CASE("a directory that is closed gives its buffer back") {
    const Directory files;
    BufferBudget budget(1);
    auto directory = files.open(budget);
    CHECK(read(*directory, 1).size() == 1);
    CHECK(budget.left() == 0);
    directory.reset();
    CHECK(budget.left() == 1);
}

TEST_CASE("from offset 0 all is read again, also after the end") {
    const Directory files;
    BufferBudget budget(1);
    const auto directory = files.open(budget);
    CHECK(read(*directory, 100).size() == entries);
    files.share.write("another", "");
    CHECK(directory->seek(0));
    CHECK(read(*directory, 100).size() == entries + 1);
}
