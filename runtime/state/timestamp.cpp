#include "runtime/state/timestamp.h"

#include <fmt/format.h>

namespace nacre::runtime {

namespace {

std::string seconds_text(const timespec& time) {
    tm parts{};
    ::gmtime_r(&time.tv_sec, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string rfc3339(const timespec& time) {
    return seconds_text(time) + "Z";
}

std::string rfc3339_nano(const timespec& time) {
    return fmt::format("{}.{:09}Z", seconds_text(time), time.tv_nsec);
}

timespec now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

}  // namespace nacre::runtime
