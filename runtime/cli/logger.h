#pragma once

#include <string>
#include <string_view>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/log.h"

namespace nacre::cli {

enum class LogFormat { text, json };

/// The runtime's log as runc's callers read it: one record a line, appended to the file of --log, or to
/// standard error. An error goes to standard error as well, as plain text: some callers read only that.
class Logger {
  public:
    /// Writes to standard error, text, from "info" on.
    Logger() = default;

    /// `path` empty: standard error. The file is made even if nothing is ever logged.
    static Result<Logger> open(const std::string& path, LogFormat format, LogLevel threshold);

    /// Line breaks in `message` become spaces.
    void write(LogLevel level, std::string_view message) const;
    void error(std::string_view message) const { write(LogLevel::error, message); }
    void warning(std::string_view message) const { write(LogLevel::warning, message); }
    void debug(std::string_view message) const { write(LogLevel::debug, message); }

    LogFormat format() const { return format_; }
    LogLevel threshold() const { return threshold_; }

  private:
    FileDescriptor file_;  // none: standard error
    LogFormat format_ = LogFormat::text;
    LogLevel threshold_ = LogLevel::info;
};

/// One record without its line break, in logrus's formats, which callers parse:
///   time="2026-11-23T21:41:07Z" level=error msg="container does not exist"
///   {"level":"error","msg":"container does not exist","time":"2026-11-23T21:41:07Z"}
std::string log_record(LogFormat format, LogLevel level, std::string_view message, std::string_view time);

}  // namespace nacre::cli
