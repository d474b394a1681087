#pragma once

#include <thread>
#include <type_traits>
#include <utility>

namespace nacre::jail::fake {

/// What `body` returns on a thread of its own: what it gives up, it gives up for itself.
template <class Body>
auto on_a_thread(const Body& body) {
    std::invoke_result_t<Body> outcome{};
    std::thread([&] { outcome = body(); }).join();
    return outcome;
}

}  // namespace nacre::jail::fake
