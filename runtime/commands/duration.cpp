#include "runtime/commands/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace nacre::commands {

namespace {

constexpr std::array<std::pair<std::string_view, double>, 8> units{{
    {"ns", 1e-6},
    {"us", 1e-3},
    {"\u00b5s", 1e-3},
    {"\u03bcs", 1e-3},
    {"ms", 1.0},
    {"s", 1e3},
    {"m", 60e3},
    {"h", 3600e3},
}};

/// One number and its unit, which are taken from `text`.
Result<double> take_term(std::string_view& text) {
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto letters = std::min(text.find_first_of("0123456789.", digits), text.size());
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + digits, number);
    const auto unit = text.substr(digits, letters - digits);
    const auto* found =
        std::find_if(units.begin(), units.end(), [&](const auto& entry) { return entry.first == unit; });
    if (digits == 0 || parsed.ec != std::errc() || parsed.ptr != text.data() + digits || found == units.end())
        return fail("parse error");
    text.remove_prefix(letters);
    return number * found->second;
}

}  // namespace

Result<int> duration_ms(std::string_view text) {
    if (text == "0")
        return 0;
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+'))
        text.remove_prefix(1);
    if (text.empty())
        return fail("parse error");
    double total = 0;
    while (!text.empty()) {
        NACRE_ASSIGN(const double term, take_term(text));
        total += term;
    }
    if (total > std::numeric_limits<int>::max())
        return fail("parse error");
    return static_cast<int>(negative ? -total : total);
}

}  // namespace nacre::commands
