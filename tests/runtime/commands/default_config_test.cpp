#include "runtime/commands/default_config.h"

#include <doctest/doctest.h>

#include "runtime/oci/parser.h"
#include "runtime/oci/schema.h"
#include "runtime/oci/validation.h"

using namespace nacre;

TEST_CASE("the configuration that `spec` writes is valid") {
    const auto spec = oci::parse_config(commands::default_config);
    REQUIRE(spec);
    CHECK(oci::validate(*spec));
    CHECK(oci::check_schema(commands::default_config, oci::Part::config, "config.json"));
    CHECK(spec->process->args == std::vector<std::string>{"sh"});
}
