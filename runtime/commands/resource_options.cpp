#include "runtime/commands/resource_options.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

#include "runtime/commands/byte_size.h"

namespace nacre::commands {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

enum class Kind { bytes, whole, natural, text };

/// Where an option's value belongs in linux.resources.
struct Place {
    std::string_view option;
    const char* object;
    const char* member;
    Kind kind;
};

constexpr std::array<Place, 14> places{{
    {"memory", "memory", "limit", Kind::bytes},
    {"memory-reservation", "memory", "reservation", Kind::bytes},
    {"memory-swap", "memory", "swap", Kind::bytes},
    {"cpu-period", "cpu", "period", Kind::natural},
    {"cpu-quota", "cpu", "quota", Kind::whole},
    {"cpu-burst", "cpu", "burst", Kind::natural},
    {"cpu-share", "cpu", "shares", Kind::natural},
    {"cpu-idle", "cpu", "idle", Kind::whole},
    {"cpu-rt-period", "cpu", "realtimePeriod", Kind::natural},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime", Kind::whole},
    {"cpuset-cpus", "cpu", "cpus", Kind::text},
    {"cpuset-mems", "cpu", "mems", Kind::text},
    {"pids-limit", "pids", "limit", Kind::whole},
    {"blkio-weight", "blockIO", "weight", Kind::natural},
}};

template <class Number>
Result<Number> number_in(const std::string& text) {
    Number number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc::result_out_of_range)
        return fail("parsing \"{}\": value out of range", text);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return fail("parsing \"{}\": invalid syntax", text);
    return number;
}

Result<void> write_value(Writer& writer, Kind kind, const std::string& text) {
    if (kind == Kind::text) {
        writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    } else if (kind == Kind::natural) {
        NACRE_ASSIGN(const auto number, number_in<std::uint64_t>(text));
        writer.Uint64(number);
    } else {
        NACRE_ASSIGN(const auto number,
                     kind == Kind::bytes ? byte_size(text) : number_in<std::int64_t>(text));
        writer.Int64(number);
    }
    return {};
}

Result<void> write_places(Writer& writer, const cli::ParsedOptions& given, std::string_view object) {
    writer.StartObject();
    for (const auto& place : places) {
        // An empty value is as none, with runc.
        const auto text = given.value(place.option);
        if (place.object != object || text.empty())
            continue;
        writer.Key(place.member);
        if (auto written = write_value(writer, place.kind, text); !written)
            return add_context(std::move(written).error(), fmt::format("invalid value for {}", place.option));
    }
    writer.EndObject();
    return {};
}

}  // namespace

Result<std::string> resources_of(const cli::ParsedOptions& given) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    for (const auto* object : {"memory", "cpu", "pids", "blockIO"}) {
        writer.Key(object);
        NACRE_TRY(write_places(writer, given, object));
    }
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace nacre::commands
