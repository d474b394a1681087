#include "runtime/cgroup/unit_property.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "runtime/oci/cpu_list.h"

namespace nacre::runtime {

namespace {

constexpr std::uint64_t microseconds = 1'000'000;
constexpr std::uint64_t infinity = std::numeric_limits<std::uint64_t>::max();

/// GVariant's words for types ("GVariant Text Format", "Type annotations").
struct TypeWord {
    std::string_view word;
    char signature;
};
constexpr std::array<TypeWord, 12> type_words{{{"boolean", 'b'},
                                               {"byte", 'y'},
                                               {"int16", 'n'},
                                               {"uint16", 'q'},
                                               {"int32", 'i'},
                                               {"uint32", 'u'},
                                               {"int64", 'x'},
                                               {"uint64", 't'},
                                               {"double", 'd'},
                                               {"string", 's'},
                                               {"objectpath", 'o'},
                                               {"signature", 'g'}}};

template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    if (text.starts_with('+'))
        text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

bool fits(char signature, std::string_view text) {
    switch (signature) {
        case 'b':
            return text == "true" || text == "false";
        case 'y':
            return number_in<std::uint8_t>(text).has_value();
        case 'n':
            return number_in<std::int16_t>(text).has_value();
        case 'q':
            return number_in<std::uint16_t>(text).has_value();
        case 'i':
            return number_in<std::int32_t>(text).has_value();
        case 'u':
            return number_in<std::uint32_t>(text).has_value();
        case 'x':
            return number_in<std::int64_t>(text).has_value();
        case 't':
            return number_in<std::uint64_t>(text).has_value();
        case 'd':
            return number_in<double>(text).has_value();
        default:
            return true;
    }
}

bool is_text(char signature) {
    return signature == 's' || signature == 'o' || signature == 'g';
}

/// Reads values off the front of a text.
class ValueReader {
  public:
    explicit ValueReader(std::string_view text) : text_(text) {}

    /// A value with its type, or nothing if the text is none.
    std::optional<UnitProperty> read() {
        UnitProperty value;
        skip_spaces();
        if (text_.starts_with('@') && !read_signature(value.signature))
            return std::nullopt;
        const bool read = text_.starts_with('[') ? read_array(value) : read_basic(value);
        skip_spaces();
        return read && text_.empty() ? std::optional(std::move(value)) : std::nullopt;
    }

  private:
    void skip_spaces() {
        while (text_.starts_with(' '))
            text_.remove_prefix(1);
    }

    /// "@as "
    bool read_signature(std::string& signature) {
        const auto space = text_.find(' ');
        if (space == std::string_view::npos)
            return false;
        signature = text_.substr(1, space - 1);
        text_.remove_prefix(space);
        skip_spaces();
        return (signature.size() == 1 || (signature.size() == 2 && signature[0] == 'a')) &&
               is_known(signature.back());
    }

    static bool is_known(char signature) {
        return std::ranges::any_of(type_words, [&](const auto& type) { return type.signature == signature; });
    }

    bool read_array(UnitProperty& value) {
        std::string element = value.signature.empty() ? "" : value.signature.substr(1);
        if (!value.signature.empty() && element.empty())
            return false;
        text_.remove_prefix(1);
        skip_spaces();
        while (!text_.starts_with(']')) {
            UnitProperty item{"", element, {}};
            if (!read_basic(item) || !skip_separator())
                return false;
            element = item.signature;
            value.words.push_back(std::move(item.words.front()));
        }
        text_.remove_prefix(1);
        value.signature = "a" + element;
        value.words.insert(value.words.begin(), std::to_string(value.words.size()));
        return !element.empty();
    }

    /// "," between items; the "]" stays.
    bool skip_separator() {
        skip_spaces();
        if (text_.starts_with(','))
            text_.remove_prefix(1);
        else if (!text_.starts_with(']'))
            return false;
        skip_spaces();
        return true;
    }

    /// A value of the type `value.signature`, or of any if that is empty.
    bool read_basic(UnitProperty& value) {
        skip_type_word(value.signature);
        if (text_.starts_with('\'') || text_.starts_with('"'))
            return read_quoted(value);
        const auto end = std::min(text_.find_first_of(" ,]"), text_.size());
        const auto word = text_.substr(0, end);
        text_.remove_prefix(end);
        if (value.signature.empty())
            value.signature = type_of(word);
        if (value.signature.size() != 1 || is_text(value.signature[0]) || !fits(value.signature[0], word))
            return false;
        value.words = {std::string(word)};
        return true;
    }

    void skip_type_word(std::string& signature) {
        for (const auto& [word, type] : type_words) {
            if (!text_.starts_with(word) || !text_.substr(word.size()).starts_with(' '))
                continue;
            text_.remove_prefix(word.size());
            skip_spaces();
            signature = type;
        }
    }

    static char type_of(std::string_view word) {
        if (word == "true" || word == "false")
            return 'b';
        return word.find_first_of(".eE") == std::string_view::npos ? 'i' : 'd';
    }

    bool read_quoted(UnitProperty& value) {
        if (value.signature.empty())
            value.signature = "s";
        if (value.signature.size() != 1 || !is_text(value.signature[0]))
            return false;
        const char quote = text_.front();
        std::string word;
        for (text_.remove_prefix(1); !text_.empty() && text_.front() != quote; text_.remove_prefix(1)) {
            if (text_.front() == '\\')
                text_.remove_prefix(1);
            if (text_.empty() || text_.front() == '\0')
                return false;
            word.push_back(text_.front());
        }
        if (text_.empty())
            return false;
        text_.remove_prefix(1);
        value.words = {std::move(word)};
        return true;
    }

    std::string_view text_;
};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "TimeoutStopSec", as systemd documents it, is TimeoutStopUSec on the bus.
bool counts_seconds(const std::string& name) {
    constexpr std::string_view suffix = "Sec";
    return name.size() > suffix.size() && name.ends_with(suffix) &&
           std::islower(static_cast<unsigned char>(name[name.size() - suffix.size() - 1])) != 0;
}

std::optional<std::uint64_t> in_microseconds(const UnitProperty& seconds) {
    constexpr std::string_view numbers = "ynqiuxtd";
    if (seconds.signature.size() != 1 || numbers.find(seconds.signature) == std::string_view::npos)
        return std::nullopt;
    const auto& word = seconds.words.front();
    if (const auto whole = number_in<std::uint64_t>(word); whole && *whole <= infinity / microseconds)
        return *whole * microseconds;
    const auto value = number_in<double>(word);
    if (!value || !(*value >= 0) || *value > 1e12)
        return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(*value * static_cast<double>(microseconds)));
}

/// systemd's form of a set of CPUs or nodes: a bit each, the lowest first.
Result<UnitProperty> set_property(std::string name, const std::string& list) {
    NACRE_ASSIGN(const auto numbers, oci::parse_cpu_list(list));
    std::vector<unsigned> bytes;
    for (const unsigned number : numbers) {
        bytes.resize(std::max<std::size_t>(bytes.size(), number / 8 + 1));
        bytes[number / 8] |= 1U << (number % 8);
    }
    UnitProperty property{std::move(name), "ay", {std::to_string(bytes.size())}};
    for (const unsigned byte : bytes)
        property.words.push_back(std::to_string(byte));
    return property;
}

struct CpuQuota {
    std::optional<std::uint64_t> quota;  // microseconds in a period; none: no limit
    std::uint64_t period = 100'000;
};

/// From cpu.max of v2, or the two files of v1.
std::optional<CpuQuota> cpu_quota(const std::vector<CgroupSetting>& settings) {
    std::optional<CpuQuota> found;
    const auto at = [&]() -> CpuQuota& { return found ? *found : found.emplace(); };
    for (const auto& setting : settings) {
        const auto space = std::min(setting.value.find(' '), setting.value.size());
        if (setting.file == "cpu.cfs_quota_us" || setting.file == "cpu.max")
            at().quota = number_in<std::uint64_t>(std::string_view(setting.value).substr(0, space));
        if (setting.file == "cpu.cfs_period_us")
            at().period = number_in<std::uint64_t>(setting.value).value_or(at().period);
        if (setting.file == "cpu.max" && space < setting.value.size())
            at().period = number_in<std::uint64_t>(std::string_view(setting.value).substr(space + 1))
                              .value_or(at().period);
    }
    return found;
}

/// Microseconds of CPU time in a second, as systemd keeps it: in whole percents.
std::uint64_t per_second(const CpuQuota& cpu) {
    constexpr std::uint64_t percent = 10'000;
    if (!cpu.quota || cpu.period == 0 || *cpu.quota > infinity / microseconds)
        return infinity;
    return (*cpu.quota * microseconds / cpu.period + percent - 1) / percent * percent;
}

struct NumberProperty {
    std::string_view file;
    const char* name;
};
constexpr std::array<NumberProperty, 7> number_properties{{{"memory.max", "MemoryMax"},
                                                           {"memory.limit_in_bytes", "MemoryLimit"},
                                                           {"cpu.weight", "CPUWeight"},
                                                           {"cpu.shares", "CPUShares"},
                                                           {"io.weight", "IOWeight"},
                                                           {"blkio.weight", "BlockIOWeight"},
                                                           {"pids.max", "TasksMax"}}};

/// None for a value that systemd has no words for.
std::optional<UnitProperty> number_property_of(const CgroupSetting& setting) {
    for (const auto& [file, name] : number_properties) {
        if (file != setting.file)
            continue;
        const auto value = setting.value == "max" ? infinity : number_in<std::uint64_t>(setting.value);
        return value ? std::optional(number_property(name, *value)) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

UnitProperty text_property(std::string name, std::string value) {
    return {std::move(name), "s", {std::move(value)}};
}

UnitProperty flag_property(std::string name, bool value) {
    return {std::move(name), "b", {value ? "true" : "false"}};
}

UnitProperty number_property(std::string name, std::uint64_t value) {
    return {std::move(name), "t", {std::to_string(value)}};
}

Result<UnitProperty> annotated_property(const std::string& name, const std::string& text) {
    if (name.size() < 3 || !std::ranges::all_of(name, is_letter))
        return fail("annotation org.systemd.property.{} name incorrect: letters only, three or more", name);
    auto value = ValueReader(text).read();
    if (!value)
        return fail(
            "annotation org.systemd.property.{}={} value parse error: not a value of GVariant's text format",
            name, text);
    value->name = name;
    if (!counts_seconds(name))
        return std::move(*value);
    const auto time = in_microseconds(*value);
    if (!time)
        return fail("annotation org.systemd.property.{}={} value parse error: not a number", name, text);
    return number_property(name.substr(0, name.size() - 3) + "USec", *time);
}

Result<std::vector<UnitProperty>> annotated_properties(const oci::StringMap& annotations) {
    constexpr std::string_view prefix = "org.systemd.property.";
    std::vector<UnitProperty> properties;
    for (const auto& [key, text] : annotations) {
        if (!key.starts_with(prefix))
            continue;
        NACRE_ASSIGN(auto property, annotated_property(key.substr(prefix.size()), text));
        properties.push_back(std::move(property));
    }
    return properties;
}

std::vector<CgroupSetting> rounded_for_systemd(std::vector<CgroupSetting> settings) {
    const auto cpu = cpu_quota(settings);
    if (!cpu || per_second(*cpu) == infinity || cpu->period > infinity / per_second(*cpu))
        return settings;
    const auto quota = per_second(*cpu) * cpu->period / microseconds;
    for (auto& setting : settings) {
        if (setting.file == "cpu.cfs_quota_us")
            setting.value = std::to_string(quota);
        else if (setting.file == "cpu.max")
            setting.value = fmt::format("{} {}", quota, cpu->period);
    }
    return settings;
}

Result<std::vector<UnitProperty>> unit_properties(const std::vector<CgroupSetting>& settings) {
    std::vector<UnitProperty> properties;
    if (const auto cpu = cpu_quota(settings)) {
        properties.push_back(number_property("CPUQuotaPeriodUSec", cpu->period));
        properties.push_back(number_property("CPUQuotaPerSecUSec", per_second(*cpu)));
    }
    for (const auto& setting : settings) {
        if (setting.file == "cpuset.cpus" || setting.file == "cpuset.mems") {
            NACRE_ASSIGN(auto set,
                         set_property(setting.file == "cpuset.cpus" ? "AllowedCPUs" : "AllowedMemoryNodes",
                                      setting.value));
            properties.push_back(std::move(set));
        } else if (setting.file == "cpu.idle" && setting.value == "1") {
            // systemd's way to say idle (since 252).
            properties.push_back(number_property("CPUWeight", 0));
        } else if (auto number = number_property_of(setting)) {
            properties.push_back(std::move(*number));
        }
    }
    return properties;
}

}  // namespace nacre::runtime
