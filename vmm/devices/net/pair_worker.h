#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "vmm/base/log.h"
#include "vmm/devices/net/loop_thread.h"
#include "vmm/devices/net/pair.h"
#include "vmm/devices/net/receiver.h"
#include "vmm/devices/net/tap.h"
#include "vmm/devices/net/transmitter.h"

namespace nacre::net {

/// Limits of an interface, for all of its pairs together; a reset does not renew them. Bytes are those of
/// frames with their headers, operations are frames; one that the host has not cut into packets (TSO) is one.
struct InterfaceLimits {
    InterfaceLimits(const RateLimit& guest_receives, const RateLimit& guest_transmits)
        : receive(guest_receives), transmit(guest_transmits) {}

    RateLimiter receive;
    RateLimiter transmit;
};

/// Moves the frames of a pair on a thread of this process: as many a turn as Receiver and Transmitter let
/// pass, in turns of both directions. The thread starts with the object and ends with it.
class PairWorker final : public Pair {
  public:
    /// `prepare` as of LoopThread. `log` outlives the worker. `limits`: may be none.
    static Result<std::unique_ptr<PairWorker>> create(std::unique_ptr<Tap> tap,
                                                      const std::function<Result<void>()>& prepare, Log& log,
                                                      std::shared_ptr<InterfaceLimits> limits = {});
    PairWorker(const PairWorker&) = delete;
    PairWorker& operator=(const PairWorker&) = delete;
    ~PairWorker() override { stop(); }

    Result<void> start(Queues queues, const virtio::Activation& activation, std::size_t mtu) override;
    bool started() override;
    Result<void> set_in_use(bool in_use) override;
    Result<void> set_offloads(unsigned flags) override;
    void stop() override;
    EventLoop& loop() override { return thread_->loop(); }

  private:
    struct Active {
        Receiver receiver;
        Transmitter transmitter;
        const EventFd* receive_kick;
        const EventFd* transmit_kick;
        virtio::Interrupt* interrupt;
        std::uint32_t awaited = EPOLLIN;  // of the tap
    };

    PairWorker(std::unique_ptr<Tap> tap, Log& log, std::shared_ptr<InterfaceLimits> limits,
               std::unique_ptr<LoopThread> thread)
        : tap_(std::move(tap)), log_(log), limits_(std::move(limits)), thread_(std::move(thread)) {}
    RateLimiter* receive_limiter() { return limits_ ? &limits_->receive : nullptr; }
    RateLimiter* transmit_limiter() { return limits_ ? &limits_->transmit : nullptr; }

    // On the thread.
    Result<void> take(Queues queues, const virtio::Activation& activation, std::size_t mtu);
    Result<void> change_use(bool in_use);
    Result<void> watch_tap();
    void unwatch_tap();
    void release();
    void serve_tap(std::uint32_t events);
    void receive();
    void transmit();
    void wait_for(std::uint32_t event, bool wanted);
    void try_again(RateLimiter& limiter, bool& pending, void (PairWorker::*turn)());
    void lose_tap();
    void mark_broken(const Error& error);

    std::unique_ptr<Tap> tap_;
    Log& log_;
    const std::shared_ptr<InterfaceLimits> limits_;
    bool in_use_ = false;
    bool tap_watched_ = false;
    bool receive_pending_ = false;  // the loop will call receive() when the limiter lets it
    bool transmit_pending_ = false;
    std::optional<Active> active_;

    std::unique_ptr<LoopThread> thread_;  // last: it uses all of the above
};

}  // namespace nacre::net
