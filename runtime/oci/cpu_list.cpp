#include "runtime/oci/cpu_list.h"

#include <charconv>

namespace nacre::oci {

namespace {

constexpr unsigned highest_cpu = 1023;

/// The number at the front of `text`, taken off it.
bool take_number(std::string_view& text, unsigned& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > highest_cpu)
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take_range(std::string_view& text, std::vector<unsigned>& cpus) {
    unsigned first = 0;
    if (!take_number(text, first))
        return false;
    unsigned last = first;
    if (text.starts_with('-')) {
        text.remove_prefix(1);
        if (!take_number(text, last) || last < first)
            return false;
    }
    for (auto cpu = first; cpu <= last; ++cpu)
        cpus.push_back(cpu);
    return true;
}

}  // namespace

Result<std::vector<unsigned>> parse_cpu_list(std::string_view list) {
    std::vector<unsigned> cpus;
    auto rest = list;
    while (take_range(rest, cpus)) {
        if (rest.empty())
            return cpus;
        if (!rest.starts_with(','))
            break;
        rest.remove_prefix(1);
    }
    return fail("\"{}\" is not a list of CPUs such as 0-3,7", list);
}

}  // namespace nacre::oci
