#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace nacre::cli {

/// One option of a command line, as a row of a table.
struct Option {
    std::string_view name;   // "bundle": --bundle and, as Go's flag package has it, -bundle
    char short_name = 0;     // 'b': -b; 0: none
    std::string_view value;  // what its value is called in the help text; empty: a flag without one
    std::string_view help;
};

/// The options that were given, and what stood behind them.
class ParsedOptions {
  public:
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }

    /// A flag: given, and not as --flag=false.
    bool flag(std::string_view name) const;

    /// The last value given, else `fallback`.
    std::string value(std::string_view name, std::string_view fallback = "") const;

    /// Every value given, in order.
    std::vector<std::string> values(std::string_view name) const;

    /// The last value as a decimal number from 0 to `maximum`; none if the option was not given.
    Result<std::optional<unsigned>> number(std::string_view name, unsigned maximum) const;

    /// What follows the options: from the first argument that is none, or from behind "--".
    const std::vector<std::string>& arguments() const { return arguments_; }

  private:
    friend Result<ParsedOptions> parse_options(std::span<const std::string> words,
                                               std::span<const Option> table);
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> arguments_;
};

/// Reads options up to the first other word, by the rules of Go's flag package, which runc's callers expect:
/// one dash or two, "--name value" or "--name=value", flags as "--flag" or "--flag=true|false". Beyond that,
/// short flags may be written together ("-it"). The error is runc's: "flag provided but not defined: -x".
Result<ParsedOptions> parse_options(std::span<const std::string> words, std::span<const Option> table);

/// `words` with the options of `table`, and what may be their values, in front of the other words, as
/// urfave/cli's reorderArgs has it for runc's commands: "update ID --pids-limit 20". Words behind "--" stay, and
/// words with a dash that are no option of the table are left among the others.
std::vector<std::string> options_first(std::span<const std::string> words, std::span<const Option> table);

}  // namespace nacre::cli
