#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace nacre {

enum class LogLevel { debug, info, warning, error };

/// Writes "level: message" lines to one file descriptor, whole lines, at most `max_bytes` in the log's life,
/// so that a guest that provokes messages cannot fill the disk. Safe from any thread.
class Log {
  public:
    /// `fd` stays the caller's and must outlive the log.
    Log(int fd, LogLevel threshold, std::uint64_t max_bytes);

    template <class... Args>
    void write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
        if (level >= threshold_)
            write_line(level, fmt::format(format, std::forward<Args>(args)...));
    }

  private:
    void write_line(LogLevel level, std::string_view message);

    int fd_;
    LogLevel threshold_;
    std::atomic<std::uint64_t> bytes_left_;
};

}  // namespace nacre
