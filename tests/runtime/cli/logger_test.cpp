#include "runtime/cli/logger.h"

#include <doctest/doctest.h>

#include "tests/runtime/temporary_directory.h"
#include "vmm/base/file.h"

using namespace nacre;
using namespace nacre::cli;

TEST_CASE("records are in logrus's formats, whatever the message holds") {
    constexpr auto time = "2026-11-23T21:41:07Z";
    CHECK(log_record(LogFormat::text, LogLevel::error, "container does not exist", time) ==
          R"(time="2026-11-23T21:41:07Z" level=error msg="container does not exist")");
    CHECK(log_record(LogFormat::json, LogLevel::warning, "a \"b\"\t\x01", time) ==
          R"({"level":"warning","msg":"a \"b\"\t\u0001","time":"2026-11-23T21:41:07Z"})");
}

TEST_CASE("a log that cannot be opened is an error that names it") {
    const auto logger = Logger::open("/nonexistent/log", LogFormat::text, LogLevel::info);
    REQUIRE_FALSE(logger);
    CHECK(logger.error().message == "open /nonexistent/log: No such file or directory");
}

TEST_CASE("the file is made even when nothing is logged, and appended to") {
    const TemporaryDirectory directory;
    const auto path = directory.path() + "/log";
    REQUIRE(Logger::open(path, LogFormat::json, LogLevel::info));
    CHECK(read_file(path, 1000).value().empty());
    for (const auto* message : {"first", "second"})
        Logger::open(path, LogFormat::json, LogLevel::info)->warning(message);
    const auto text = read_file(path, 1000).value();
    CHECK(text.find("\"first\"") < text.find("\"second\""));
}

TEST_CASE("records below the threshold are left out; a record is one line") {
    const TemporaryDirectory directory;
    const auto path = directory.path() + "/log";
    const auto logger = Logger::open(path, LogFormat::text, LogLevel::warning);
    logger->debug("quiet");
    CHECK(read_file(path, 1000).value().empty());
    logger->warning("two\nlines");
    CHECK(read_file(path, 1000).value().find("msg=\"two lines\"\n") != std::string::npos);
}
