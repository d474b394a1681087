#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include "tests/vmm/devices/vsock/guest_side.h"

using namespace nacre::vsock;
using nacre::FileDescriptor;
using test::Fixture;

namespace {

constexpr std::uint64_t total_bytes_each_way = 100'000'000;
constexpr std::uint32_t packet_bytes = 65536;

/// A stream of bytes that repeats only after many packets, and the sum of those it has handed out.
class Pattern {
  public:
    explicit Pattern(std::uint64_t seed) : state_(seed) {}

    void fill(std::string& block) {
        for (std::size_t i = 0; i + 8 <= block.size(); i += 8) {
            state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
            std::memcpy(block.data() + i, &state_, 8);
        }
    }

  private:
    std::uint64_t state_;
};

/// A checksum of bytes in order, whatever pieces they come in.
class Checksum {
  public:
    void add(std::string_view bytes) {
        for (const char byte : bytes)
            sum_ = (sum_ ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
        count_ += bytes.size();
    }
    std::uint64_t count() const { return count_; }
    std::uint64_t sum() const { return sum_; }

  private:
    std::uint64_t sum_ = 14695981039346656037ULL;
    std::uint64_t count_ = 0;
};

struct Transfer : Fixture {
    Checksum guest_sent, guest_got, host_sent, host_got;
    Pattern guest_pattern{1}, host_pattern{2};
    std::uint32_t guest_credit_used = 0;  // modulo 2^32, as on the wire
    std::uint32_t acknowledged = 0;
    std::string guest_block = std::string(packet_bytes, '\0');
    std::string host_block = std::string(packet_bytes, '\0');
    std::size_t host_block_sent = packet_bytes;

    Transfer() : Fixture(1ULL << 29 | 1ULL << 28) {}

    bool done() const {
        return guest_got.count() >= total_bytes_each_way && host_got.count() >= total_bytes_each_way;
    }

    void guest_writes() {
        tx().collect_used();
        while (guest_sent.count() < total_bytes_each_way &&
               guest_credit_used - acknowledged + packet_bytes <= receive_buffer_bytes) {
            guest_pattern.fill(guest_block);
            guest_sent.add(guest_block);
            guest_credit_used += packet_bytes;
            post(data(guest_block), guest_block);
        }
    }

    void guest_reads() {
        const auto before = forwarded_bytes;
        for (const auto& packet : received()) {
            acknowledged = packet.header.forwarded_bytes;
            guest_got.add(packet.payload);
            forwarded_bytes += packet.header.length;
        }
        if (forwarded_bytes != before)
            post(packet(Op::credit_update));
    }

    void host_writes(const FileDescriptor& client) {
        while (host_sent.count() < total_bytes_each_way || host_block_sent < packet_bytes) {
            if (host_block_sent == packet_bytes) {
                host_pattern.fill(host_block);
                host_sent.add(host_block);
                host_block_sent = 0;
            }
            const auto written = ::send(client.get(), host_block.data() + host_block_sent,
                                        packet_bytes - host_block_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (written <= 0)
                return;
            host_block_sent += static_cast<std::size_t>(written);
        }
    }
};

}  // namespace

TEST_CASE_FIXTURE(Transfer, "100 MB each way at the same time arrive whole and in order") {
    start(64);
    const auto client = establish();
    const auto begin = std::chrono::steady_clock::now();
    for (int idle = 0; !done() && idle < 100;) {
        const auto before = guest_got.count() + host_got.count();
        guest_writes();
        host_writes(client);
        REQUIRE(loop().run_once(0));
        host_got.add(test::read_text(client));
        guest_reads();
        idle = guest_got.count() + host_got.count() == before ? idle + 1 : 0;
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    CHECK(host_got.count() == guest_sent.count());
    CHECK(host_got.sum() == guest_sent.sum());
    CHECK(guest_got.count() == host_sent.count());
    CHECK(guest_got.sum() == host_sent.sum());
    MESSAGE("MB/s each way, checksums and both fake ends on one thread: ",
            static_cast<double>(total_bytes_each_way) / 1e6 / taken.count());
}
