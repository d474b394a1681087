#include "vmm/machine/control_requests.h"

namespace nacre::machine {

namespace {

using control::Reply;
using Descriptors = std::vector<FileDescriptor>;

Result<Reply> handle(DeviceSlots& slots, const control::DetachDevice& request, const Descriptors&) {
    NACRE_TRY(slots.detach(request.slot));
    return control::Done{};
}

}  // namespace

control::Reply handle_request(DeviceSlots& slots, control::Request request) {
    auto reply = std::visit([&](const auto& message) { return handle(slots, message, request.descriptors); },
                            request.message);
    if (!reply)
        return control::Failed{static_cast<std::uint32_t>(reply.error().code), reply.error().message};
    return std::move(*reply);
}

}  // namespace nacre::machine
