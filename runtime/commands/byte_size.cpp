#include "runtime/commands/byte_size.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace nacre::commands {

namespace {

/// 2^exponent; none for what is no unit.
Result<int> unit_exponent(std::string_view unit) {
    constexpr std::string_view prefixes = "kmgtp";
    if (unit.empty() || unit == "b")
        return 0;
    const auto prefix = prefixes.find(unit.front());
    const auto rest = unit.substr(1);
    if (prefix == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib"))
        return fail("invalid size");
    return 10 * (static_cast<int>(prefix) + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

}  // namespace

Result<std::int64_t> byte_size(std::string_view text) {
    if (text == "-1")
        return -1;
    const auto refused = [&] { return fail("invalid size: '{}'", text); };
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto words = lower(text);
    std::string_view unit = std::string_view(words).substr(digits);
    if (unit.starts_with(' '))
        unit.remove_prefix(1);
    const auto exponent = unit_exponent(unit);
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + digits, number);
    if (!exponent || digits == 0 || parsed.ec != std::errc() || parsed.ptr != text.data() + digits)
        return refused();
    const double bytes = number * static_cast<double>(std::uint64_t{1} << *exponent);
    // The first double that no longer fits.
    constexpr double too_many = 9223372036854775808.0;
    if (bytes >= too_many)
        return refused();
    return static_cast<std::int64_t>(bytes);
}

}  // namespace nacre::commands
