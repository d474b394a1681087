#include "vmm/devices/net/control_command.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "vmm/devices/net/protocol.h"

using namespace nacre;
using namespace nacre::net;

namespace {

struct Fixture {
    std::vector<std::uint16_t> asked;
    bool able = true;
    std::string answer;

    /// Bytes written in answer to `command`, with room for `room`.
    std::uint32_t ask(std::string command, std::size_t room = 1) {
        answer.assign(room, '\x55');
        virtio::DescriptorChain chain;
        chain.readable = {{command.data(), command.size()}};
        chain.readable_bytes = command.size();
        if (room != 0)
            chain.writable = {{answer.data(), answer.size()}};
        chain.writable_bytes = room;
        return answer_command(chain, 4, [this](std::uint16_t pairs) {
            asked.push_back(pairs);
            return able;
        });
    }

    static std::string pairs(unsigned count) {
        return {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, static_cast<char>(count & 0xff),
                static_cast<char>(count >> 8)};
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a command without room for the answer does nothing") {
    CHECK(ask(pairs(2), 0) == 0);
    CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Fixture, "what is no command is answered with an error") {
    for (const auto& command : {std::string(), std::string(1, '\4'), pairs(2).substr(0, 3), pairs(2) + "x",
                                std::string("\0\0\1", 3), std::string("\1\1\2\0\0\0\0\1", 8),
                                std::string("\4\1\2\0", 4), std::string(65536, '\4')}) {
        CHECK(ask(command) == 1);
        CHECK(answer == std::string(1, VIRTIO_NET_ERR));
    }
    CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Fixture, "a number of pairs that there are not is an error") {
    for (const unsigned count : {0U, 5U, 0x0104U, 0xffffU}) {
        ask(pairs(count));
        CHECK(answer == std::string(1, VIRTIO_NET_ERR));
    }
    CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Fixture, "the number of pairs is set, and the answer says whether it could be") {
    CHECK(ask(pairs(4), 3) == 1);
    CHECK(answer == std::string(1, VIRTIO_NET_OK) + "\x55\x55");
    able = false;
    ask(pairs(1));
    CHECK(answer == std::string(1, VIRTIO_NET_ERR));
    CHECK(asked == std::vector<std::uint16_t>{4, 1});
}
