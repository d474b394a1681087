#include "runtime/relay/relay_reports.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

TEST_CASE("a relay that dies without a report is an error") {
    auto pipe = make_report_pipe().value();
    pipe.writer.reset();
    CHECK_FALSE(read_report(pipe.reader.get()));
}

TEST_CASE("half a line is no report") {
    auto pipe = make_report_pipe().value();
    REQUIRE(report_line(pipe.writer.get(), "created"));
    REQUIRE(report_line(pipe.writer.get(), "vmm 12"));
    pipe.writer.reset();
    CHECK(read_report(pipe.reader.get()).value() == "created");
    CHECK(read_report(pipe.reader.get()).value() == "vmm 12");
    CHECK_FALSE(read_report(pipe.reader.get()));
}

TEST_CASE("a failure is the reader's error, with errno, on one line") {
    const auto pipe = make_report_pipe().value();
    report_failure(pipe.writer.get(), {"exec: \"x\":\nnot found", ENOENT});
    const auto report = read_report(pipe.reader.get());
    REQUIRE_FALSE(report);
    CHECK(report.error().message == "exec: \"x\": not found");
    CHECK(report.error().code == ENOENT);
}
