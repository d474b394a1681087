#include "vmm/base/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

using namespace nacre;

namespace {

struct Pipe {
    FileDescriptor reader;
    FileDescriptor writer;
};

Pipe make_pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

TEST_CASE("opening what is not there names the path and the reason") {
    const auto file = open_file("/nonexistent/file", O_RDONLY);
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().message == "open /nonexistent/file: No such file or directory");
}

TEST_CASE("an end of file before all bytes were read is an error") {
    auto pipe = make_pipe();
    REQUIRE(write_all(pipe.writer.get(), std::string("abc")));
    pipe.writer.reset();
    std::array<std::byte, 4> buffer{};
    CHECK_FALSE(read_exactly(pipe.reader.get(), buffer).has_value());
}

TEST_CASE("reading to the end stops at the limit") {
    auto pipe = make_pipe();
    REQUIRE(write_all(pipe.writer.get(), std::string("abcd")));
    pipe.writer.reset();
    CHECK_FALSE(read_to_end(pipe.reader.get(), 3).has_value());
}

TEST_CASE("what is written is read back") {
    auto pipe = make_pipe();
    REQUIRE(write_all(pipe.writer.get(), std::string("abcd")));
    pipe.writer.reset();
    CHECK(read_to_end(pipe.reader.get(), 4).value() == "abcd");
}

TEST_CASE("a file over the limit is refused with its name") {
    const auto content = read_file("/proc/self/status", 4);
    REQUIRE_FALSE(content.has_value());
    CHECK(content.error().message.starts_with("/proc/self/status: "));
}
