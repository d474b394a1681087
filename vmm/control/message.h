#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vmm/base/file_descriptor.h"
#include "vmm/base/rate_limiter.h"
#include "vmm/base/result.h"

/// The contract between the runtime and a running nacre-vmm: what may be asked, and what is answered. Used by
/// both sides. The guest has no part in it.
namespace nacre::control {

/// Puts a disk into an empty slot (answer: Attached). One descriptor comes with it: an image file or block
/// device, open for reading alone if `read_only`.
struct AttachDisk {
    bool read_only = false;
    std::string id;            // the disk's serial number in the guest, at most 20 bytes
    std::uint32_t queues = 1;  // the guest spreads its CPUs over them
    RateLimit limit;
};

/// Puts a network interface into an empty slot (answer: Attached). One descriptor a queue pair comes with it,
/// 1 to 8: a tap queue each, opened with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR (IFF_MULTI_QUEUE when there are
/// several) and TUNSETVNETHDRSZ 12. Then, if `vhost`, as many descriptors of /dev/vhost-net.
struct AttachNetwork {
    std::string mac;        // of the guest's interface: "02:00:00:00:00:01", unicast
    std::uint32_t mtu = 0;  // 68 to 65535; 0: the guest is told nothing
    bool vhost = false;     // the host's kernel moves the frames, which then have no limits
    RateLimit receive;      // by the guest
    RateLimit transmit;     // by the guest
};

/// Takes a device that was attached later out of its slot (answer: Done). The guest is to let go of it first.
struct DetachDevice {
    std::uint32_t slot = 0;
};

/// Asks the guest to have this much RAM in all, rounded up to whole blocks: no less than at its start, and no
/// more than this VM can have (answer: MemorySize). The guest follows in its own time; ReadMemorySize tells
/// how far it is.
struct ResizeMemory {
    std::uint32_t mebibytes = 0;
};

/// Asks how much RAM the guest has (answer: MemorySize).
struct ReadMemorySize {};

/// Has this many vCPUs exist, as far as the guest was told of them at its start; never fewer than now
/// (answer: VcpuCount). The guest's agent is to bring them online (`SetOnlineCpus` of
/// `guest-agent/protocol`).
struct AddVcpus {
    std::uint32_t count = 0;
};

/// What is asked, besides the descriptors that come with it.
using RequestMessage =
    std::variant<AttachDisk, AttachNetwork, DetachDevice, ResizeMemory, ReadMemorySize, AddVcpus>;

struct Request {
    RequestMessage message;
    std::vector<FileDescriptor> descriptors;
};

struct Done {};

/// The device is in this slot; the guest's agent is to look there.
struct Attached {
    std::uint32_t slot = 0;
};

/// The guest's RAM: what it has, and what it was asked to have.
struct MemorySize {
    std::uint32_t mebibytes = 0;
    std::uint32_t requested_mebibytes = 0;
};

/// vCPUs that exist.
struct VcpuCount {
    std::uint32_t count = 0;
};

/// Nothing was changed. The message is for the user.
struct Failed {
    std::uint32_t code = 0;  // errno, 0 when there is none
    std::string message;
};

using Reply = std::variant<Done, Attached, MemorySize, VcpuCount, Failed>;

/// JSON text of one packet, and back; errors as of json::decode.
std::string encode(const RequestMessage& request);
std::string encode(const Reply& reply);
Result<RequestMessage> decode_request(std::string_view text);
Result<Reply> decode_reply(std::string_view text);

}  // namespace nacre::control
