// What one side of host and agent receives from the other: a stream of frames, cut anywhere, with messages in either direction.

#include "guest-agent/protocol/frame.h"
#include "guest-agent/protocol/messages.h"
#include "tests/fuzz/input.h"

using namespace nacre;

namespace {

/// What was understood is said in the same way again.
void check_message(std::string_view text) {
    const auto message = protocol::decode(text);
    if (!message)
        return;
    const auto encoded = protocol::encode(*message);
    const auto again = protocol::decode(encoded);
    fuzz::require(again.has_value() && again->index() == message->index() && protocol::encode(*again) == encoded);
}

void check_stream(fuzz::Input input) {
    protocol::FrameReader reader;
    while (!input.empty()) {
        fuzz::require(reader.wanted() >= 1);
        if (!reader.add(input.take_bytes(input.take<std::uint8_t>())))
            return;
        while (const auto payload = reader.next())
            check_message(*payload);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check_stream(fuzz::Input(data, size));
    check_message(fuzz::Input(data, size).rest());
    return 0;
}
