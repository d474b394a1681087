#include "runtime/cgroup/systemd/request.h"

#include <charconv>
#include <string_view>

namespace nacre::systemd {

namespace {

Result<void> check(int result, std::string_view what) {
    if (result < 0)
        return fail_with(-result, "{}", what);
    return {};
}

template <class Number>
Result<void> append_number(sd_bus_message* message, char type, std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return fail("\"{}\" is not of type {}", text, type);
    return check(sd_bus_message_append_basic(message, type, &number), "append a number");
}

Result<void> append_basic(sd_bus_message* message, char type, const std::string& text) {
    const int boolean = text == "true" ? 1 : 0;
    switch (type) {
        case 'b':
            return check(sd_bus_message_append_basic(message, type, &boolean), "append a boolean");
        case 'y':
            return append_number<std::uint8_t>(message, type, text);
        case 'n':
            return append_number<std::int16_t>(message, type, text);
        case 'q':
            return append_number<std::uint16_t>(message, type, text);
        case 'i':
            return append_number<std::int32_t>(message, type, text);
        case 'u':
            return append_number<std::uint32_t>(message, type, text);
        case 'x':
            return append_number<std::int64_t>(message, type, text);
        case 't':
            return append_number<std::uint64_t>(message, type, text);
        case 'd':
            return append_number<double>(message, type, text);
        case 's':
        case 'o':
        case 'g':
            return check(sd_bus_message_append_basic(message, type, text.c_str()), "append a text");
        default:
            return fail("type {} is not known", type);
    }
}

Result<std::size_t> length_in(Words words) {
    std::size_t length = 0;
    const std::string_view text = words.empty() ? "" : std::string_view(words.front());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || end != text.data() + text.size() || length > words.size() - 1)
        return fail("\"{}\" is not the length of the array that follows", text);
    return length;
}

/// Takes the words that it needs off the front.
Result<void> append_value(sd_bus_message* message, const std::string& signature, Words& words) {
    const bool is_array = signature.starts_with('a');
    if (signature.size() != (is_array ? 2 : 1))
        return fail("signature {} is neither basic nor an array", signature);
    std::size_t count = 1;
    if (is_array) {
        NACRE_ASSIGN(count, length_in(words));
        words = words.subspan(1);
        NACRE_TRY(check(sd_bus_message_open_container(message, 'a', signature.c_str() + 1), "open an array"));
    }
    if (words.size() < count)
        return fail("a value of type {} is missing", signature);
    for (std::size_t i = 0; i < count; ++i)
        NACRE_TRY(append_basic(message, signature.back(), words[i]));
    words = words.subspan(count);
    return is_array ? check(sd_bus_message_close_container(message), "close an array") : Result<void>();
}

Result<void> append_property(sd_bus_message* message, Words& words) {
    if (words.size() < 2)
        return fail("property {} has no value", words.front());
    const auto& name = words[0];
    const auto& signature = words[1];
    words = words.subspan(2);
    NACRE_TRY(check(sd_bus_message_open_container(message, 'r', "sv"), name));
    NACRE_TRY(check(sd_bus_message_append_basic(message, 's', name.c_str()), name));
    NACRE_TRY(check(sd_bus_message_open_container(message, 'v', signature.c_str()), name));
    if (auto value = append_value(message, signature, words); !value)
        return add_context(std::move(value).error(), "property " + name);
    NACRE_TRY(check(sd_bus_message_close_container(message), name));
    return check(sd_bus_message_close_container(message), name);
}

}  // namespace

Result<void> append_properties(sd_bus_message* message, Words words) {
    NACRE_TRY(check(sd_bus_message_open_container(message, 'a', "(sv)"), "open the properties"));
    while (!words.empty())
        NACRE_TRY(append_property(message, words));
    return check(sd_bus_message_close_container(message), "close the properties");
}

}  // namespace nacre::systemd
