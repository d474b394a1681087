#include "runtime/cli/logger.h"

#include <fcntl.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "runtime/state/timestamp.h"
#include "vmm/base/file.h"

namespace nacre::cli {

namespace {

std::string_view name_of(LogLevel level) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    return names[static_cast<std::size_t>(level)];
}

std::string json_string(std::string_view text) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::string log_record(LogFormat format, LogLevel level, std::string_view message, std::string_view time) {
    const auto quoted = json_string(message);
    if (format == LogFormat::json)
        return fmt::format(R"({{"level":"{}","msg":{},"time":"{}"}})", name_of(level), quoted, time);
    return fmt::format(R"(time="{}" level={} msg={})", time, name_of(level), quoted);
}

Result<Logger> Logger::open(const std::string& path, LogFormat format, LogLevel threshold) {
    Logger logger;
    logger.format_ = format;
    logger.threshold_ = threshold;
    if (!path.empty()) {
        NACRE_ASSIGN(logger.file_, open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0644));
    }
    return logger;
}

void Logger::write(LogLevel level, std::string_view message) const {
    if (level < threshold_)
        return;
    std::string line(message);
    std::replace(line.begin(), line.end(), '\n', ' ');
    const auto record = log_record(format_, level, line, runtime::rfc3339(runtime::now())) + "\n";
    // A log that cannot be written has nowhere to report to.
    [[maybe_unused]] auto written = write_all(file_ ? file_.get() : STDERR_FILENO, record);
    if (file_ && level == LogLevel::error)
        written = write_all(STDERR_FILENO, line + "\n");
}

}  // namespace nacre::cli
