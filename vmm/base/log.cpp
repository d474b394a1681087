#include "vmm/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace nacre {

namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

}  // namespace

Log::Log(int fd, LogLevel threshold, std::uint64_t max_bytes)
    : fd_(fd), threshold_(threshold), bytes_left_(max_bytes) {}

void Log::write_line(LogLevel level, std::string_view message) {
    auto line = fmt::format("{}: {}\n", level_names[static_cast<std::size_t>(level)], message);
    std::replace(line.begin(), line.end() - 1, '\n', ' ');
    auto left = bytes_left_.load();
    do {
        if (left < line.size())
            return;
    } while (!bytes_left_.compare_exchange_weak(left, left - line.size()));
    // A log that cannot be written has nowhere to report to.
    [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace nacre
