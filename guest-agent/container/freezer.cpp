#include "guest-agent/container/freezer.h"

#include <unistd.h>

#include <array>
#include <utility>

namespace nacre::agent {

Freezer::~Freezer() {
    if (events_)
        loop_.remove(events_.get());
}

void Freezer::set(bool frozen, Answer answer) {
    finish(fail("another request to freeze or thaw came first"));
    answer_ = std::move(answer);
    wanted_ = frozen;
    auto result = watch();
    if (result)
        result = cgroup_.freeze(frozen);
    if (result)
        check();
    else
        finish(std::move(result));
}

Result<void> Freezer::watch() {
    if (events_)
        return {};
    NACRE_ASSIGN(events_, cgroup_.open_events());
    return loop_.add(events_.get(), EPOLLPRI, [this](std::uint32_t) { check(); });
}

void Freezer::check() {
    // Read even when nobody waits: what has been read is no longer an event.
    std::array<char, 256> text;
    const auto length = ::pread(events_.get(), text.data(), text.size(), 0);
    const std::string_view events(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (says_frozen(events) == wanted_)
        finish({});
}

void Freezer::finish(Result<void> result) {
    if (answer_)
        std::exchange(answer_, nullptr)(std::move(result));
}

bool says_frozen(std::string_view events) {
    return ("\n" + std::string(events)).find("\nfrozen 1\n") != std::string::npos;
}

}  // namespace nacre::agent
