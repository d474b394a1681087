#include "vmm/base/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "vmm/base/file.h"

using namespace nacre;

namespace {

struct LogPipe {
    LogPipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        reader.reset(ends[0]);
        writer.reset(ends[1]);
    }
    std::string text() {
        writer.reset();
        return read_to_end(reader.get(), 4096).value();
    }
    FileDescriptor reader;
    FileDescriptor writer;
};

}  // namespace

TEST_CASE("a message is one line, whatever is in it") {
    LogPipe pipe;
    Log log(pipe.writer.get(), LogLevel::info, 1000);
    log.write(LogLevel::error, "guest said {}", "a\nb");
    CHECK(pipe.text() == "error: guest said a b\n");
}

TEST_CASE("messages below the threshold are dropped") {
    LogPipe pipe;
    Log log(pipe.writer.get(), LogLevel::warning, 1000);
    log.write(LogLevel::info, "hidden");
    log.write(LogLevel::warning, "seen");
    CHECK(pipe.text() == "warning: seen\n");
}

TEST_CASE("a log never grows past its bound, and only whole lines are in it") {
    LogPipe pipe;
    Log log(pipe.writer.get(), LogLevel::info, 30);
    for (int i = 0; i < 100; ++i)
        log.write(LogLevel::info, "line {}", i);
    CHECK(pipe.text() == "info: line 0\ninfo: line 1\n");
}
