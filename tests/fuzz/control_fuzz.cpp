// What the VMM is told by the runtime: its configuration, and requests to change the running VM; and what the runtime gets back.

#include "tests/fuzz/input.h"
#include "vmm/control/message.h"
#include "vmm/machine/config.h"

using namespace nacre;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::Input(data, size).rest();
    static_cast<void>(machine::parse_config(text));
    if (const auto request = control::decode_request(text)) {
        const auto encoded = control::encode(*request);
        const auto again = control::decode_request(encoded);
        fuzz::require(again.has_value() && control::encode(*again) == encoded);
    }
    if (const auto reply = control::decode_reply(text)) {
        const auto encoded = control::encode(*reply);
        const auto again = control::decode_reply(encoded);
        fuzz::require(again.has_value() && control::encode(*again) == encoded);
    }
    return 0;
}
