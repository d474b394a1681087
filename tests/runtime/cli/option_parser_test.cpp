#include "runtime/cli/option_parser.h"

#include <doctest/doctest.h>

#include <array>

using namespace nacre;
using namespace nacre::cli;

namespace {

constexpr std::array<Option, 5> table{{
    {"bundle", 'b', "DIR", ""},
    {"no-subreaper", 0, "", ""},
    {"tty", 't', "", ""},
    {"interactive", 'i', "", ""},
    {"env", 'e', "VAR", ""},
}};

Result<ParsedOptions> parse(const std::vector<std::string>& words) {
    return parse_options(words, table);
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("unknown options, missing and bad values are refused in the words of Go's flag package") {
    CHECK(parse({"--bogus"}).error().message == "flag provided but not defined: -bogus");
    CHECK(parse({"-x"}).error().message == "flag provided but not defined: -x");
    CHECK(parse({"-tx"}).error().message == "flag provided but not defined: -tx");
    CHECK(parse({"--=x"}).error().message == "flag provided but not defined: -");
    CHECK(parse({"--bundle"}).error().message == "flag needs an argument: -bundle");
    CHECK(parse({"--tty=maybe"}).error().message == "invalid boolean value \"maybe\" for flag -tty");
    CHECK_FALSE(parse({"--bund", "x"}));
}

TEST_CASE("a value may follow its option or be joined to it, with one dash or two") {
    for (const auto& words : {Words{"--bundle", "/b"}, Words{"--bundle=/b"}, Words{"-bundle", "/b"},
                              Words{"-bundle=/b"}, Words{"-b", "/b"}, Words{"-b=/b"}}) {
        const auto parsed = parse(words);
        REQUIRE(parsed);
        CHECK(parsed->value("bundle") == "/b");
        CHECK(parsed->arguments().empty());
    }
}

TEST_CASE("a value may look like an option, be empty, or hold an equals sign") {
    CHECK(parse({"--bundle", "--tty"})->value("bundle") == "--tty");
    CHECK(parse({"--bundle="})->value("bundle", "x").empty());
    CHECK(parse({"--env=A=b"})->value("env") == "A=b");
}

TEST_CASE("flags are on when given, off when given as false") {
    CHECK(parse({"-no-subreaper"})->flag("no-subreaper"));
    CHECK(parse({"--tty=true"})->flag("tty"));
    CHECK_FALSE(parse({"--tty=false"})->flag("tty"));
    CHECK_FALSE(parse({})->flag("tty"));
    CHECK(parse({"-it"})->flag("interactive"));
    CHECK(parse({"-it"})->flag("tty"));
}

TEST_CASE("the last of several values counts, and all can be read") {
    const auto parsed = parse({"-e", "A=1", "-e", "B=2"});
    CHECK(parsed->value("env") == "B=2");
    CHECK(parsed->values("env") == Words{"A=1", "B=2"});
    CHECK(parsed->values("bundle").empty());
}

TEST_CASE("options end at the first other word: what follows belongs to the container's command") {
    CHECK(parse({"-t", "id", "cmd", "--tty", "-x"})->arguments() == Words{"id", "cmd", "--tty", "-x"});
    CHECK(parse({"--", "--tty"})->arguments() == Words{"--tty"});
    CHECK(parse({"-"})->arguments() == Words{"-"});
    CHECK(parse({""})->arguments() == Words{""});
}

TEST_CASE("numbers are whole and within their range") {
    CHECK_FALSE(parse({})->number("bundle", 10)->has_value());
    CHECK(**parse({"-b", "10"})->number("bundle", 10) == 10);
    for (const auto* text : {"11", "-1", "1x", "", "99999999999999999999"})
        CHECK_FALSE(parse({"-b", text})->number("bundle", 10));
}

TEST_CASE("options and what may be their values can be put in front of the other words") {
    const auto reordered = [](const Words& words) { return options_first(words, table); };
    CHECK(reordered({"id", "--bundle", "/b"}) == Words{"--bundle", "/b", "id"});
    CHECK(reordered({"id", "--bundle=/b", "-t", "x"}) == Words{"--bundle=/b", "-t", "x", "id"});
    CHECK(reordered({"id", "9", "--", "--tty"}) == Words{"id", "9", "--", "--tty"});
    CHECK(reordered({"id", "-", "-9", "--bogus"}) == Words{"id", "-", "-9", "--bogus"});
    CHECK(reordered({"id", "-b"}) == Words{"-b", "id"});
    CHECK(reordered({}).empty());
}
