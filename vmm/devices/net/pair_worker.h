#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/devices/net/receiver.h"
#include "vmm/devices/net/tap.h"
#include "vmm/devices/net/transmitter.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::net {

/// One queue pair, the tap queue that belongs to it, and the thread that moves frames between them: as many a
/// turn as Receiver and Transmitter let pass, in turns of both directions.
///
/// Threads: create() and the destructor on the owner's; the others on any, one at a time.
class PairWorker {
  public:
    /// Starts the thread, which waits. `prepare` runs first on it (what the jail does to it) and may be
    /// empty. `log` outlives the worker.
    static Result<std::unique_ptr<PairWorker>> create(std::unique_ptr<Tap> tap,
                                                      const std::function<Result<void>()>& prepare, Log& log);
    PairWorker(const PairWorker&) = delete;
    PairWorker& operator=(const PairWorker&) = delete;
    /// After stop().
    ~PairWorker();

    struct Queues {
        virtio::ActiveQueue receive;
        virtio::ActiveQueue transmit;
    };

    /// Takes the queues; frames flow while the pair is in use. `features` and `mtu` as of Receiver.
    /// `interrupt` lives until stop().
    Result<void> start(Queues queues, virtio::Interrupt& interrupt, std::uint64_t features, std::size_t mtu);
    bool started();

    /// Takes the pair into use, or out of it: the host then sends nothing to it, and what the driver puts
    /// into its queues stays there. An error when the tap queue cannot be attached or detached.
    Result<void> set_in_use(bool in_use);

    /// Tap::set_offloads().
    Result<void> set_offloads(unsigned flags);

    /// When it returns, nothing touches the queues or guest memory any more. Also when not started.
    void stop();

    /// The loop that the thread runs, for what else belongs on it.
    EventLoop& loop() { return *loop_; }

  private:
    struct Active {
        Receiver receiver;
        Transmitter transmitter;
        const EventFd* receive_kick;
        const EventFd* transmit_kick;
        virtio::Interrupt* interrupt;
        std::uint32_t awaited = EPOLLIN;  // of the tap
    };

    PairWorker(std::unique_ptr<Tap> tap, Log& log, std::unique_ptr<EventLoop> loop)
        : tap_(std::move(tap)), log_(log), loop_(std::move(loop)) {}
    Result<void> start_thread(const std::function<Result<void>()>& prepare);

    // On the loop's thread.
    Result<void> take(Queues queues, virtio::Interrupt& interrupt, std::uint64_t features, std::size_t mtu);
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
    std::unique_ptr<EventLoop> loop_;
    bool in_use_ = false;
    bool tap_watched_ = false;
    std::optional<Active> active_;

    std::optional<Thread> thread_;  // last: it uses all of the above
};

}  // namespace nacre::net
