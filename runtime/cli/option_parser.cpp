#include "runtime/cli/option_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace nacre::cli {

namespace {

const Option* find_option(std::span<const Option> table, std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Option& option) {
        return option.name == name || (name.size() == 1 && option.short_name == name[0]);
    });
    return found == table.end() ? nullptr : &*found;
}

/// Whether every letter of "it" is a flag of its own.
bool are_short_flags(std::span<const Option> table, std::string_view letters) {
    return std::all_of(letters.begin(), letters.end(), [&](char letter) {
        const auto* option = find_option(table, std::string_view(&letter, 1));
        return option != nullptr && option->short_name == letter && option->value.empty();
    });
}

/// The values that Go's strconv.ParseBool takes, in lower case.
std::optional<bool> boolean(std::string_view text) {
    constexpr std::array<std::string_view, 5> yes{"true", "1", "t", "T", "True"};
    constexpr std::array<std::string_view, 5> no{"false", "0", "f", "F", "False"};
    if (std::find(yes.begin(), yes.end(), text) != yes.end())
        return true;
    if (std::find(no.begin(), no.end(), text) != no.end())
        return false;
    return std::nullopt;
}

struct Word {
    std::string_view name;
    std::optional<std::string_view> value;
    bool long_form = false;
};

/// "--name=value" in its parts.
Word split(std::string_view word) {
    Word parts;
    parts.long_form = word.starts_with("--");
    parts.name = word.substr(parts.long_form ? 2 : 1);
    if (const auto equals = parts.name.find('='); equals != std::string_view::npos) {
        parts.value = parts.name.substr(equals + 1);
        parts.name = parts.name.substr(0, equals);
    }
    return parts;
}

bool is_option(std::span<const Option> table, std::string_view word) {
    return word.size() > 1 && word[0] == '-' && find_option(table, split(word).name) != nullptr;
}

}  // namespace

bool ParsedOptions::flag(std::string_view name) const {
    return value(name) == "true";
}

std::string ParsedOptions::value(std::string_view name, std::string_view fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string(fallback) : found->second.back();
}

std::vector<std::string> ParsedOptions::values(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::optional<unsigned>> ParsedOptions::number(std::string_view name, unsigned maximum) const {
    if (!has(name))
        return std::optional<unsigned>();
    const auto text = value(name);
    unsigned number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size() || number > maximum)
        return fail("invalid value \"{}\" for flag -{}: must be a number from 0 to {}", text, name, maximum);
    return std::optional(number);
}

Result<ParsedOptions> parse_options(std::span<const std::string> words, std::span<const Option> table) {
    ParsedOptions parsed;
    std::size_t next = 0;
    const auto add = [&](const Option& option, std::string_view value) {
        parsed.values_[std::string(option.name)].emplace_back(value);
    };
    for (; next < words.size(); ++next) {
        const std::string& text = words[next];
        if (text.size() < 2 || text[0] != '-')
            break;
        if (text == "--") {
            ++next;
            break;
        }
        const auto word = split(text);
        const auto* option = find_option(table, word.name);
        if (option == nullptr && !word.long_form && !word.value && are_short_flags(table, word.name)) {
            for (const char& letter : word.name)
                add(*find_option(table, std::string_view(&letter, 1)), "true");
            continue;
        }
        if (option == nullptr)
            return fail("flag provided but not defined: -{}", word.name);
        if (option->value.empty()) {
            const auto on = boolean(word.value.value_or("true"));
            if (!on)
                return fail("invalid boolean value \"{}\" for flag -{}", *word.value, word.name);
            add(*option, *on ? "true" : "false");
        } else if (word.value) {
            add(*option, *word.value);
        } else if (next + 1 < words.size()) {
            add(*option, words[++next]);
        } else {
            return fail("flag needs an argument: -{}", word.name);
        }
    }
    parsed.arguments_.assign(words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
    return parsed;
}

std::vector<std::string> options_first(std::span<const std::string> words, std::span<const Option> table) {
    std::vector<std::string> front;
    std::vector<std::string> rest;
    bool may_be_value = false;
    for (auto word = words.begin(); word != words.end(); ++word) {
        if (*word == "--") {
            rest.insert(rest.end(), word, words.end());
            break;
        }
        const bool option = is_option(table, *word);
        (option || may_be_value ? front : rest).push_back(*word);
        may_be_value = option && word->find('=') == std::string::npos;
    }
    front.insert(front.end(), rest.begin(), rest.end());
    return front;
}

}  // namespace nacre::cli
