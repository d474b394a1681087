// config.json, process.json and resources: the parser, the schema check and the validation, as `create`, `exec` and `update`
// apply them.

#include "runtime/oci/parser.h"
#include "runtime/oci/schema.h"
#include "runtime/oci/unified_limits.h"
#include "runtime/oci/validation.h"
#include "tests/fuzz/input.h"

using namespace nacre;

namespace {

void check_config(const std::string& text) {
    if (const auto spec = oci::parse_config(text); spec && oci::validate(*spec))
        static_cast<void>(oci::check_schema(text, oci::Part::config, "config.json"));
}

void check_process(const std::string& text) {
    if (const auto process = oci::parse_process(text); process && oci::validate(*process))
        static_cast<void>(oci::check_schema(text, oci::Part::process, "process.json"));
}

void check_resources(const std::string& text) {
    const auto resources = oci::parse_resources(text);
    if (!resources || !oci::validate(*resources))
        return;
    static_cast<void>(oci::with_unified_limits(*resources));
    static_cast<void>(oci::check_schema(text, oci::Part::resources, "resources"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::Input(data, size).rest();
    check_config(text);
    check_process(text);
    check_resources(text);
    return 0;
}
