#include "vmm/devices/console/bounded_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/file.h"

using namespace nacre;
using console::BoundedLog;

namespace {

constexpr std::uint64_t most_bytes = BoundedLog::head_bytes + BoundedLog::max_tail_bytes;

struct Fixture {
    FileDescriptor file{::memfd_create("console", MFD_CLOEXEC)};

    BoundedLog log() const { return BoundedLog::create(file.duplicate().value()).value(); }
    std::string content() const {
        ::lseek(file.get(), 0, SEEK_SET);
        return read_to_end(file.get(), 2 * most_bytes).value();
    }
};

void write(BoundedLog& log, const std::string& text) {
    REQUIRE(log.write(std::as_bytes(std::span(text))));
}

// Lines of 16 bytes that can be told apart.
std::string line(unsigned number) {
    return fmt::format("line {:010}\n", number);
}

}  // namespace

TEST_CASE("what is not a regular file is refused") {
    CHECK_FALSE(BoundedLog::create(FileDescriptor()));
    CHECK_FALSE(BoundedLog::create(open_file("/dev/null", O_WRONLY).value()));
}

TEST_CASE("a file that cannot be written gives an error and stays as it is") {
    auto log = BoundedLog::create(open_file("/proc/self/exe", O_RDONLY).value()).value();
    CHECK_FALSE(log.write(std::as_bytes(std::span("x", 1))));
}

TEST_CASE_FIXTURE(Fixture, "endless text leaves the beginning, the end, and a bounded file") {
    auto bounded = log();
    constexpr unsigned lines = 200000;
    for (unsigned i = 0; i < lines; ++i) {
        write(bounded, line(i));
        if (i % 1000 == 0) {
            struct stat status {};
            REQUIRE(::fstat(file.get(), &status) == 0);
            REQUIRE(static_cast<std::uint64_t>(status.st_size) <= most_bytes);
        }
    }
    const auto text = content();
    CHECK(text.starts_with(line(0) + line(1)));
    CHECK(text.ends_with(line(lines - 2) + line(lines - 1)));
    // All of the last 64 KiB is there, line by line.
    for (unsigned i = lines - 4000; i < lines; ++i)
        CHECK_MESSAGE(text.find(line(i)) != std::string::npos, i);
}

TEST_CASE_FIXTURE(Fixture, "the line about what is missing counts exactly, and stands there once") {
    auto bounded = log();
    constexpr unsigned lines = 100000;
    for (unsigned i = 0; i < lines; ++i)
        write(bounded, line(i));
    const auto text = content();
    const auto note = text.find("\n[");
    REQUIRE(note == BoundedLog::head_bytes);
    CHECK(text.find('[', note + 2) == std::string::npos);
    const auto missing = std::stoull(text.substr(note + 2));
    const auto note_size = text.find(']') + 2 - note;
    CHECK(missing + text.size() - note_size == lines * std::uint64_t{16});
}

TEST_CASE_FIXTURE(Fixture, "text without any line end is cut as well") {
    auto bounded = log();
    for (unsigned i = 0; i < 100; ++i)
        write(bounded, std::string(10000, 'x'));
    write(bounded, "the end");
    CHECK(content().size() <= most_bytes);
    CHECK(content().ends_with("xthe end"));
}

TEST_CASE_FIXTURE(Fixture, "one text larger than the whole file is taken in parts") {
    auto bounded = log();
    write(bounded, std::string(10 * most_bytes, 'x') + "the end");
    CHECK(content().size() <= most_bytes);
    CHECK(content().ends_with("xthe end"));
}

TEST_CASE_FIXTURE(Fixture, "a short text stands there as it is, behind what was there") {
    REQUIRE(write_all(file.get(), "before\n"));
    REQUIRE(::fcntl(file.get(), F_SETFL, O_APPEND) == 0);
    auto bounded = log();
    write(bounded, "");
    write(bounded, "a");
    write(bounded, "b\n");
    CHECK(content() == "before\nab\n");
}
