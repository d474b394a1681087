#pragma once

#include <string>
#include <string_view>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// The pipe on which a relay tells the process that forked it how far it has come: lines "vmm <pid>" and "slot <number>" (of
/// a device that it attached), then "created" or "failed <errno> <message>". Both ends are close-on-exec.
struct ReportPipe {
    FileDescriptor reader;
    FileDescriptor writer;
};
Result<ReportPipe> make_report_pipe();

/// The relay's side.
Result<void> report_line(int pipe, const std::string& line);
void report_failure(int pipe, const Error& error);

/// The next line; an error if the relay died without one, or if the line is a failure: then the relay's own.
Result<std::string> read_report(int pipe);

}  // namespace nacre::runtime
