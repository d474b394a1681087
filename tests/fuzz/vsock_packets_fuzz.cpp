// The state machine of vsock connections: packets that are nearly right, for connections that exist, in any order.

#include <deque>

#include "tests/fuzz/host_programs.h"
#include "tests/fuzz/loop_device.h"
#include "tests/vmm/devices/virtio/fake_driver.h"
#include "vmm/devices/vsock/packet.h"

using namespace nacre;
using namespace nacre::vsock;

namespace {

constexpr unsigned max_steps = 128;
constexpr std::uint16_t ring_size = 64;
constexpr std::uint32_t receive_buffer_bytes = 1024;

class Guest {
  public:
    explicit Guest(Device& device) : driver_(device, 0, ring_size) {
        fuzz::require(driver_.activate().has_value());
        give_buffers(8);
    }

    void step(fuzz::Input& input) {
        switch (input.below(4)) {
            case 0:
                return receive();
            case 1:
                return give_buffers(input.below(4));
            default:
                return send(input);
        }
    }

    /// Whatever the packets say, they are answered with packets: only the queues' own rules can be broken for good.
    void check() {
        fuzz::require(driver_.interrupt().needs_reset == 0);
        driver_.ring(1).collect_used();
    }

  private:
    void send(fuzz::Input& input) {
        const auto shape = input.take<std::uint8_t>();
        const auto payload = input.take_text((shape & 1) != 0 ? input.take<std::uint8_t>() : 0);
        PacketHeader header;
        header.source_cid = 3;
        header.destination_cid = host_cid;
        header.source_port = 1024U + input.below(3);
        header.destination_port = ports_[input.below(256) % ports_.size()];
        header.op = static_cast<Op>(input.below(9));
        header.length = (shape & 2) != 0 ? input.take<std::uint32_t>() : static_cast<std::uint32_t>(payload.size());
        header.flags = (shape & 4) != 0 ? input.take<std::uint32_t>() : 0;
        header.buffer_bytes = (shape & 8) != 0 ? input.take<std::uint32_t>() : 65536;
        header.forwarded_bytes = (shape & 16) != 0 ? input.take<std::uint32_t>() : received_bytes_;
        if ((shape & 0xe0) == 0xe0) {
            header.type = input.take<std::uint16_t>();
            header.source_cid = input.take<std::uint64_t>();
        }
        const auto raw = encode(header);
        auto chain = driver_.ring(1).chain();
        chain.readable({reinterpret_cast<const char*>(raw.data()), raw.size()});
        if (!payload.empty())
            chain.readable(payload);
        chain.publish();
        driver_.kick(1);
    }

    void receive() {
        for (const auto& used : driver_.ring(0).collect_used()) {
            RawHeader raw;
            fuzz::require(used.bytes.size() >= raw.size());
            std::memcpy(raw.data(), used.bytes.data(), raw.size());
            const auto header = decode(raw);
            fuzz::require(header.length == used.bytes.size() - raw.size() && header.source_cid == host_cid);
            received_bytes_ += header.length;
            if (header.op == Op::request && ports_.size() < 32)
                ports_.push_back(header.source_port);
        }
    }

    void give_buffers(unsigned count) {
        for (unsigned i = 0; i < count && driver_.ring(0).in_flight() < ring_size; ++i)
            driver_.ring(0).chain().writable(receive_buffer_bytes).publish();
        driver_.kick(0);
    }

    virtio::fake::FakeDriver driver_;
    std::vector<std::uint32_t> ports_{0, fuzz::HostPrograms::offered_port};
    std::uint32_t received_bytes_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto loop = EventLoop::create().value();
    fuzz::HostPrograms programs;
    const auto device = Device::create(*loop, programs.options()).value();
    Guest guest(*device);
    for (unsigned i = 0; i < max_steps && !input.empty(); ++i) {
        if (input.below(3) == 0)
            programs.step(input);
        else
            guest.step(input);
        fuzz::settle(*loop);
        guest.check();
        fuzz::require(device->connections() <= fuzz::HostPrograms::max_connections);
    }
    return 0;
}
