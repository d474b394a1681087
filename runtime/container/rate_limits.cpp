#include "runtime/container/rate_limits.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "vmm/base/printable.h"

namespace nacre::runtime {

namespace {

/// A transfer of a disk is up to 8 MiB: with less, one would take longer than a guest's kernel finds
/// bearable.
constexpr std::uint64_t min_bytes_per_second = 64 * 1024;
constexpr std::uint64_t min_operations_per_second = 1;

/// Of a burst, so that TokenBucket has all of it.
constexpr std::uint64_t max_seconds = 3600;

Result<std::optional<std::uint64_t>> number_in(const oci::StringMap& annotations, const std::string& name,
                                               std::uint64_t least, std::uint64_t most) {
    const auto found = annotations.find(name);
    if (found == annotations.end())
        return std::nullopt;
    const auto& text = found->second;
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < least ||
        number > most)
        return fail("annotation {}: \"{}\" is not a number from {} to {}", name, printable(text, 40), least,
                    most);
    return number;
}

/// The rate and burst of `name` ("io.nacre.block.bytes").
Result<void> read_bucket(const oci::StringMap& annotations, const std::string& name, std::uint64_t least,
                         std::uint64_t& rate, std::uint64_t& burst) {
    NACRE_ASSIGN(const auto per_second,
                 number_in(annotations, name + "-per-second", least, TokenBucket::max_tokens));
    rate = per_second.value_or(0);
    const auto most =
        per_second ? std::min(TokenBucket::max_tokens, rate * max_seconds) : TokenBucket::max_tokens;
    NACRE_ASSIGN(const auto tokens, number_in(annotations, name + "-burst", 1, most));
    if (tokens && !per_second)
        return fail("annotation {0}-burst: it needs {0}-per-second", name);
    burst = tokens.value_or(rate);
    return {};
}

Result<void> read_limit(const oci::StringMap& annotations, const std::string& device, RateLimit& limit) {
    NACRE_TRY(read_bucket(annotations, device + ".bytes", min_bytes_per_second, limit.bytes_per_second,
                          limit.bytes_burst));
    return read_bucket(annotations, device + ".operations", min_operations_per_second,
                       limit.operations_per_second, limit.operations_burst);
}

}  // namespace

Result<RateLimits> rate_limits(const oci::StringMap& annotations) {
    RateLimits limits;
    NACRE_TRY(read_limit(annotations, "io.nacre.block", limits.block));
    NACRE_TRY(read_limit(annotations, "io.nacre.net.rx", limits.receive));
    NACRE_TRY(read_limit(annotations, "io.nacre.net.tx", limits.transmit));
    return limits;
}

}  // namespace nacre::runtime
