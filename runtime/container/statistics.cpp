#include "runtime/container/statistics.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace nacre::runtime {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
using Files = std::vector<protocol::CgroupFile>;

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t nanoseconds_per_microsecond = 1000;

std::string_view content_of(const Files& files, std::string_view name) {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
    return found == files.end() ? std::string_view() : std::string_view(found->content);
}

/// The next part of `text` up to `separator`, which is taken from it.
std::string_view take_part(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

/// A file of one number, or of "max".
std::uint64_t number_in(const Files& files, std::string_view name, std::uint64_t max = no_limit) {
    auto text = content_of(files, name);
    const auto line = take_part(text, '\n');
    return line == "max" ? max : whole_number(line).value_or(0);
}

bool is_key(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

/// A file of lines "key number"; other lines are left out.
std::map<std::string, std::uint64_t> numbers_in(const Files& files, std::string_view name) {
    std::map<std::string, std::uint64_t> numbers;
    for (auto text = content_of(files, name); !text.empty();) {
        auto line = take_part(text, '\n');
        const auto key = take_part(line, ' ');
        const auto number = whole_number(line);
        if (number && is_key(key))
            numbers.emplace(key, *number);
    }
    return numbers;
}

std::uint64_t number_of(const std::map<std::string, std::uint64_t>& numbers, const std::string& key) {
    const auto found = numbers.find(key);
    return found == numbers.end() ? 0 : found->second;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    return a > no_limit - b ? no_limit : a + b;
}

void put(Writer& writer, std::string_view name, std::uint64_t value) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.Uint64(value);
}

/// As Go's "omitempty": callers see the same members as runc's.
void put_unless_zero(Writer& writer, const char* name, std::uint64_t value) {
    if (value != 0)
        put(writer, name, value);
}

void put_text(Writer& writer, const char* name, std::string_view value) {
    writer.Key(name);
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

template <class Content>
void put_object(Writer& writer, std::string_view name, const Content& content) {
    writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.StartObject();
    content();
    writer.EndObject();
}

void put_cpu(Writer& writer, const Files& files) {
    const auto stat = numbers_in(files, "cpu.stat");
    const auto nanoseconds = [&](const char* key) {
        return number_of(stat, key) * nanoseconds_per_microsecond;
    };
    put_object(writer, "usage", [&] {
        put_unless_zero(writer, "total", nanoseconds("usage_usec"));
        put(writer, "kernel", nanoseconds("system_usec"));
        put(writer, "user", nanoseconds("user_usec"));
    });
    put_object(writer, "throttling", [&] {
        put_unless_zero(writer, "periods", number_of(stat, "nr_periods"));
        put_unless_zero(writer, "throttledPeriods", number_of(stat, "nr_throttled"));
        put_unless_zero(writer, "throttledTime", nanoseconds("throttled_usec"));
    });
}

void put_cpuset(Writer& writer) {
    for (const auto* name :
         {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
          "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"})
        put(writer, name, 0);
}

void put_memory_entry(Writer& writer, const char* name, std::uint64_t limit, std::uint64_t usage,
                      std::uint64_t max) {
    put_object(writer, name, [&] {
        put(writer, "limit", limit);
        put_unless_zero(writer, "usage", usage);
        put_unless_zero(writer, "max", max);
        put(writer, "failcnt", 0);
    });
}

void put_memory(Writer& writer, const Files& files) {
    const auto stat = numbers_in(files, "memory.stat");
    const auto limit = number_in(files, "memory.max");
    const auto usage = number_in(files, "memory.current");
    put_unless_zero(writer, "cache", number_of(stat, "file"));
    put_memory_entry(writer, "usage", limit, usage, number_in(files, "memory.peak"));
    put_memory_entry(writer, "swap", sum(limit, number_in(files, "memory.swap.max")),
                     sum(usage, number_in(files, "memory.swap.current")), 0);
    put_memory_entry(writer, "kernel", 0, 0, 0);
    put_memory_entry(writer, "kernelTCP", 0, 0, 0);
    put_object(writer, "raw", [&] {
        for (const auto& [key, value] : stat)
            put(writer, key, value);
    });
}

struct BlockEntry {
    std::uint64_t major;
    std::uint64_t minor;
    std::uint64_t value;
    std::string_view operation;
};

/// Lines "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …" of io.stat, for two of the keys.
std::vector<BlockEntry> block_entries(std::string_view text, std::string_view read_key,
                                      std::string_view write_key) {
    std::vector<BlockEntry> entries;
    while (!text.empty()) {
        auto line = take_part(text, '\n');
        auto device = take_part(line, ' ');
        const auto major = whole_number(take_part(device, ':'));
        const auto minor = whole_number(device);
        while (major && minor && !line.empty()) {
            auto value = take_part(line, ' ');
            const auto key = take_part(value, '=');
            const auto number = whole_number(value);
            if (number && (key == read_key || key == write_key))
                entries.push_back({*major, *minor, *number, key == read_key ? "Read" : "Write"});
        }
    }
    return entries;
}

void put_block_entries(Writer& writer, const char* name, const std::vector<BlockEntry>& entries) {
    if (entries.empty())
        return;
    writer.Key(name);
    writer.StartArray();
    for (const auto& entry : entries) {
        writer.StartObject();
        put_unless_zero(writer, "major", entry.major);
        put_unless_zero(writer, "minor", entry.minor);
        put_text(writer, "op", entry.operation);
        put_unless_zero(writer, "value", entry.value);
        writer.EndObject();
    }
    writer.EndArray();
}

void put_block_io(Writer& writer, const Files& files) {
    const auto text = content_of(files, "io.stat");
    put_block_entries(writer, "ioServiceBytesRecursive", block_entries(text, "rbytes", "wbytes"));
    put_block_entries(writer, "ioServicedRecursive", block_entries(text, "rios", "wios"));
}

void put_hugepages(Writer& writer, const Files& files) {
    for (const std::string size : {"1GB", "2MB"}) {
        if (content_of(files, "hugetlb." + size + ".current").empty())
            continue;
        put_object(writer, size, [&] {
            put_unless_zero(writer, "usage", number_in(files, "hugetlb." + size + ".current"));
            put(writer, "failcnt", number_of(numbers_in(files, "hugetlb." + size + ".events"), "max"));
        });
    }
}

void put_data(Writer& writer, const Files& files) {
    put_object(writer, "cpu", [&] { put_cpu(writer, files); });
    put_object(writer, "cpuset", [&] { put_cpuset(writer); });
    put_object(writer, "memory", [&] { put_memory(writer, files); });
    put_object(writer, "pids", [&] {
        put_unless_zero(writer, "current", number_in(files, "pids.current"));
        put_unless_zero(writer, "limit", number_in(files, "pids.max", 0));
    });
    put_object(writer, "blkio", [&] { put_block_io(writer, files); });
    put_object(writer, "hugetlb", [&] { put_hugepages(writer, files); });
    put_object(writer, "intel_rdt", [] {});
    writer.Key("network_interfaces");
    writer.Null();
}

template <class Content>
std::string event(const char* type, const std::string& id, const Content& content) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    put_text(writer, "type", type);
    put_text(writer, "id", id);
    content(writer);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::string stats_event(const std::string& id, const Files& files) {
    return event("stats", id,
                 [&](Writer& writer) { put_object(writer, "data", [&] { put_data(writer, files); }); });
}

std::string oom_event(const std::string& id) {
    return event("oom", id, [](Writer&) {});
}

}  // namespace nacre::runtime
