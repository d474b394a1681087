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

/// Moves the frames of a pair on a thread of this process: as many a turn as Receiver and Transmitter let
/// pass, in turns of both directions. The thread starts with the object and ends with it.
class PairWorker final : public Pair {
  public:
    /// `prepare` as of LoopThread. `log` outlives the worker.
    static Result<std::unique_ptr<PairWorker>> create(std::unique_ptr<Tap> tap,
                                                      const std::function<Result<void>()>& prepare, Log& log);
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

    PairWorker(std::unique_ptr<Tap> tap, Log& log, std::unique_ptr<LoopThread> thread)
        : tap_(std::move(tap)), log_(log), thread_(std::move(thread)) {}

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
    void lose_tap();
    void mark_broken(const Error& error);

    std::unique_ptr<Tap> tap_;
    Log& log_;
    bool in_use_ = false;
    bool tap_watched_ = false;
    std::optional<Active> active_;

    std::unique_ptr<LoopThread> thread_;  // last: it uses all of the above
};

}  // namespace nacre::net
