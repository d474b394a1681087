#include "vmm/devices/net/pair_worker.h"

#include <utility>

namespace nacre::net {

Result<std::unique_ptr<PairWorker>> PairWorker::create(std::unique_ptr<Tap> tap,
                                                       const std::function<Result<void>()>& prepare, Log& log,
                                                       std::shared_ptr<InterfaceLimits> limits) {
    NACRE_ASSIGN(auto thread, LoopThread::start(prepare, log));
    return std::unique_ptr<PairWorker>(
        new PairWorker(std::move(tap), log, std::move(limits), std::move(thread)));
}

Result<void> PairWorker::start(Queues queues, const virtio::Activation& activation, std::size_t mtu) {
    return thread_->call([&] { return take(std::move(queues), activation, mtu); });
}

bool PairWorker::started() {
    bool started = false;
    loop().run_in_loop([&] { started = active_.has_value(); });
    return started;
}

Result<void> PairWorker::set_in_use(bool in_use) {
    return thread_->call([&] { return change_use(in_use); });
}

Result<void> PairWorker::set_offloads(unsigned flags) {
    return thread_->call([&] { return tap_->set_offloads(flags); });
}

void PairWorker::stop() {
    loop().run_in_loop([this] {
        release();
        in_use_ = false;
    });
}

Result<void> PairWorker::take(Queues queues, const virtio::Activation& activation, std::size_t mtu) {
    const auto* const receive_kick = queues.receive.kick;
    const auto* const transmit_kick = queues.transmit.kick;
    active_.emplace(Active{Receiver(std::move(queues.receive.queue), activation.features, mtu),
                           Transmitter(std::move(queues.transmit.queue), activation.features), receive_kick,
                           transmit_kick, activation.interrupt});
    NACRE_TRY(loop().add(receive_kick->fd(), EPOLLIN, [this](std::uint32_t) {
        active_->receive_kick->drain();
        receive();
    }));
    return loop().add(transmit_kick->fd(), EPOLLIN, [this](std::uint32_t) {
        active_->transmit_kick->drain();
        transmit();
    });
}

Result<void> PairWorker::change_use(bool in_use) {
    if (!in_use)
        unwatch_tap();
    in_use_ = false;
    NACRE_TRY(tap_->set_attached(in_use));
    in_use_ = in_use;
    if (!in_use || !active_)
        return {};
    NACRE_TRY(watch_tap());
    // What the driver has given before.
    receive();
    transmit();
    return {};
}

Result<void> PairWorker::watch_tap() {
    if (tap_watched_)
        return {};
    active_->awaited = EPOLLIN;
    NACRE_TRY(loop().add(tap_->fd(), EPOLLIN, [this](std::uint32_t events) { serve_tap(events); }));
    tap_watched_ = true;
    return {};
}

void PairWorker::unwatch_tap() {
    loop().remove(tap_->fd());
    tap_watched_ = false;
}

void PairWorker::release() {
    if (!active_)
        return;
    unwatch_tap();
    loop().remove(active_->receive_kick->fd());
    loop().remove(active_->transmit_kick->fd());
    active_.reset();
}

void PairWorker::serve_tap(std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        return lose_tap();
    if ((events & EPOLLIN) != 0)
        receive();
    if ((events & EPOLLOUT) != 0)
        transmit();
}

void PairWorker::receive() {
    if (!active_ || !in_use_ || !tap_watched_)
        return;
    const auto outcome = active_->receiver.receive(tap_->fd(), receive_limiter());
    if (!outcome)
        return mark_broken(outcome.error());
    if (active_->receiver.needs_interrupt())
        active_->interrupt->signal_used_buffer();
    if (*outcome == Receiver::Outcome::tap_lost)
        return lose_tap();
    const bool throttled = *outcome == Receiver::Outcome::throttled;
    if (throttled)
        try_again(*receive_limiter(), receive_pending_, &PairWorker::receive);
    // Level-triggered: with more to read, the tap's turn comes again after the other direction's.
    wait_for(EPOLLIN, !throttled && *outcome != Receiver::Outcome::no_buffers);
}

void PairWorker::transmit() {
    if (!active_ || !in_use_)
        return;
    const auto outcome = active_->transmitter.transmit(tap_->fd(), transmit_limiter());
    if (!outcome)
        return mark_broken(outcome.error());
    if (active_->transmitter.needs_interrupt())
        active_->interrupt->signal_used_buffer();
    if (*outcome == Transmitter::Outcome::more)
        active_->transmit_kick->signal();  // so that what is left comes after the other events of the loop
    if (*outcome == Transmitter::Outcome::throttled)
        try_again(*transmit_limiter(), transmit_pending_, &PairWorker::transmit);
    wait_for(EPOLLOUT, *outcome == Transmitter::Outcome::tap_full);
}

/// Takes a turn when the limiter has one to give. At most one is in the loop for each direction, also one
/// from before a reset; it finds what there is then.
void PairWorker::try_again(RateLimiter& limiter, bool& pending, void (PairWorker::*turn)()) {
    if (std::exchange(pending, true))
        return;
    loop().run_at(EventLoop::Clock::now() + limiter.delay(), [this, &pending, turn] {
        pending = false;
        (this->*turn)();
    });
}

void PairWorker::wait_for(std::uint32_t event, bool wanted) {
    const auto awaited = wanted ? active_->awaited | event : active_->awaited & ~event;
    if (!tap_watched_ || awaited == active_->awaited)
        return;
    if (const auto changed = loop().modify(tap_->fd(), awaited); !changed)
        return mark_broken(changed.error());
    active_->awaited = awaited;
}

/// The interface is gone: the guest receives nothing any more, and what it sends is lost.
void PairWorker::lose_tap() {
    log_.write(LogLevel::warning, "virtio-net: the tap interface is gone");
    unwatch_tap();
}

void PairWorker::mark_broken(const Error& error) {
    log_.write(LogLevel::warning, "virtio-net: {}", error.message);
    auto* const interrupt = active_->interrupt;
    release();
    interrupt->signal_needs_reset();
}

}  // namespace nacre::net
