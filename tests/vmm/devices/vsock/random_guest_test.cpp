#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/vmm/devices/vsock/guest_side.h"

using namespace nacre::vsock;
using nacre::FileDescriptor;
using test::Fixture;

namespace {

constexpr int packets_a_run = 3000;
constexpr std::size_t max_clients = 8;

/// A guest that sends packets which are often almost right, to connections that often exist, while hosts
/// come, go, read and write as they please.
struct RandomGuest : Fixture {
    std::mt19937 random;
    std::vector<std::uint32_t> ports{0, test::channel_port};
    std::vector<FileDescriptor> clients;
    std::size_t host_read = 0;
    std::size_t guest_read = 0;

    std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); }
    bool rarely() { return below(16) == 0; }

    PacketHeader any_packet(std::uint32_t payload) {
        host_port = ports[below(static_cast<std::uint32_t>(ports.size()))];
        auto header = packet(static_cast<Op>(below(rarely() ? 0x10000 : 9)));
        if (below(2) == 0)
            header.op = Op::rw;
        if (rarely())
            header.type = static_cast<std::uint16_t>(random());
        if (rarely())
            header.source_cid = random();
        header.length = rarely() ? static_cast<std::uint32_t>(random()) : payload;
        header.flags = rarely() ? below(8) : 0;
        header.buffer_bytes = rarely() ? static_cast<std::uint32_t>(random()) : 65536;
        header.forwarded_bytes = rarely() ? below(3) : 0;
        return header;
    }

    void guest_turn() {
        const std::string payload(below(4) == 0 ? below(40000) : below(64), 'g');
        send(any_packet(static_cast<std::uint32_t>(payload.size())), payload);
        if (below(4) != 0)
            return;
        for (const auto& packet : received()) {
            guest_read += packet.payload.size();
            answer(packet.header);
        }
    }

    void answer(const PacketHeader& header) {
        if (header.op != Op::request)
            return;
        ports.push_back(host_port = header.source_port);
        if (ports.size() > 2 * max_clients)
            ports.erase(ports.begin() + 2);
        if (below(4) != 0)
            send(packet(Op::response));
    }

    void host_turn() {
        if (clients.size() < max_clients && below(2) == 0)
            clients.push_back(connect());
        if (clients.empty())
            return;
        const auto index = below(static_cast<std::uint32_t>(clients.size()));
        auto& client = clients[index];
        const std::string text(below(5000), 'h');
        // A refused write, for want of room or because the guest has closed, is one more possibility.
        ssize_t ignored = 0;
        switch (below(4)) {
            case 0:
                ignored = ::send(client.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
                break;
            case 1:
                host_read += test::read_text(client).size();
                break;
            case 2:
                ignored = ::shutdown(client.get(), rarely() ? SHUT_RD : SHUT_WR);
                break;
            default:
                if (below(3) == 0)
                    clients.erase(clients.begin() + index);
                break;
        }
        static_cast<void>(ignored);
        run();
    }
};

}  // namespace

TEST_CASE("random packets neither break the device nor leave anything behind") {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        RandomGuest guest;
        guest.random.seed(seed);
        // Short, so that they pass; longer than a few turns on a slow machine under the sanitizers.
        guest.options.timeouts.close = guest.options.timeouts.handshake = std::chrono::milliseconds(20);
        guest.start();
        for (int i = 0; i < packets_a_run; ++i) {
            guest.guest_turn();
            if (i % 3 == 0)
                guest.host_turn();
            REQUIRE(guest.driver().interrupt().needs_reset == 0);
        }
        CHECK(guest.host_read > 10'000);
        CHECK(guest.guest_read > 10'000);
        guest.clients.clear();
        guest.wait_until([&] {
            guest.received();
            return guest.device().connections() == 0;
        });
        // It still serves.
        const auto client = guest.establish();
        guest.send(guest.data("alive"), "alive");
        CHECK(test::read_text(client) == "alive");
    }
}
