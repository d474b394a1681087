#include "vmm/control/message.h"

#include "vmm/base/json_form.h"

/// The JSON form of every type: its members, by name.
namespace nacre::json {

using namespace control;

template <>
struct Form<RateLimit> {
    static constexpr std::tuple members{Member{"bytes_per_second", &RateLimit::bytes_per_second},
                                        Member{"bytes_burst", &RateLimit::bytes_burst},
                                        Member{"operations_per_second", &RateLimit::operations_per_second},
                                        Member{"operations_burst", &RateLimit::operations_burst}};
};
template <>
struct Form<AttachDisk> {
    static constexpr std::string_view type = "attach_disk";
    static constexpr std::tuple members{Member{"read_only", &AttachDisk::read_only},
                                        Member{"id", &AttachDisk::id}, Member{"queues", &AttachDisk::queues},
                                        Member{"limit", &AttachDisk::limit}};
};
template <>
struct Form<AttachNetwork> {
    static constexpr std::string_view type = "attach_network";
    static constexpr std::tuple members{
        Member{"mac", &AttachNetwork::mac}, Member{"mtu", &AttachNetwork::mtu},
        Member{"vhost", &AttachNetwork::vhost}, Member{"receive", &AttachNetwork::receive},
        Member{"transmit", &AttachNetwork::transmit}};
};
template <>
struct Form<DetachDevice> {
    static constexpr std::string_view type = "detach_device";
    static constexpr std::tuple members{Member{"slot", &DetachDevice::slot}};
};
template <>
struct Form<ResizeMemory> {
    static constexpr std::string_view type = "resize_memory";
    static constexpr std::tuple members{Member{"mebibytes", &ResizeMemory::mebibytes}};
};
template <>
struct Form<ReadMemorySize> {
    static constexpr std::string_view type = "read_memory_size";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<MemorySize> {
    static constexpr std::string_view type = "memory_size";
    static constexpr std::tuple members{Member{"mebibytes", &MemorySize::mebibytes},
                                        Member{"requested_mebibytes", &MemorySize::requested_mebibytes}};
};
template <>
struct Form<AddVcpus> {
    static constexpr std::string_view type = "add_vcpus";
    static constexpr std::tuple members{Member{"count", &AddVcpus::count}};
};
template <>
struct Form<VcpuCount> {
    static constexpr std::string_view type = "vcpu_count";
    static constexpr std::tuple members{Member{"count", &VcpuCount::count}};
};
template <>
struct Form<Done> {
    static constexpr std::string_view type = "done";
    static constexpr std::tuple<> members{};
};
template <>
struct Form<Attached> {
    static constexpr std::string_view type = "attached";
    static constexpr std::tuple members{Member{"slot", &Attached::slot}};
};
template <>
struct Form<Failed> {
    static constexpr std::string_view type = "failed";
    static constexpr std::tuple members{Member{"code", &Failed::code}, Member{"message", &Failed::message}};
};

}  // namespace nacre::json

namespace nacre::control {

std::string encode(const RequestMessage& request) {
    return json::encode(request);
}

std::string encode(const Reply& reply) {
    return json::encode(reply);
}

Result<RequestMessage> decode_request(std::string_view text) {
    return json::decode<RequestMessage>(text);
}

Result<Reply> decode_reply(std::string_view text) {
    return json::decode<Reply>(text);
}

}  // namespace nacre::control
