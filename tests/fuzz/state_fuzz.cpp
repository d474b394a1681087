// A container's state.json, as any command reads it.

#include "runtime/state/container_state.h"
#include "tests/fuzz/input.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto state = runtime::decode_state(fuzz::Input(data, size).rest());
    if (!state)
        return 0;
    const auto encoded = runtime::encode_state(*state);
    const auto again = runtime::decode_state(encoded);
    fuzz::require(again.has_value() && runtime::encode_state(*again) == encoded);
    static_cast<void>(runtime::oci_state_json(*state, state->status, true, "owner"));
    return 0;
}
