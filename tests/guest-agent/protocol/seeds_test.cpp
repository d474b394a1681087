// The seeds of the fuzz target `protocol`: chance alone does not find a message with all of its members.

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "guest-agent/protocol/messages.h"

using namespace nacre;
using namespace nacre::protocol;

namespace {

/// Indices into Message of the seeds that are understood.
std::set<std::size_t> seeded_messages() {
    std::set<std::size_t> indices;
    for (const auto& entry : std::filesystem::directory_iterator(SEEDS)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(file), {});
        if (const auto message = decode(text))
            indices.insert(message->index());
    }
    return indices;
}

template <std::size_t... indices>
void check_all(const std::set<std::size_t>& seeded, std::index_sequence<indices...> /*of Message*/) {
    const auto check = [&](const Message& message) {
        CHECK_MESSAGE(seeded.contains(message.index()), "no seed like " << encode(message));
    };
    (check(Message(std::in_place_index<indices>)), ...);
}

}  // namespace

TEST_CASE("the fuzzer has a seed for each message, with the members that it has today") {
    check_all(seeded_messages(), std::make_index_sequence<std::variant_size_v<Message>>());
}
