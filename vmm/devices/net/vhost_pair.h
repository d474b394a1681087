#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "vmm/base/log.h"
#include "vmm/devices/net/loop_thread.h"
#include "vmm/devices/net/pair.h"
#include "vmm/devices/net/tap.h"
#include "vmm/devices/net/vhost.h"

namespace nacre::net {

/// Leaves the frames of a pair to the host's kernel. Kicks and interrupts are between it and the guest; the
/// thread of this process waits for what the kernel cannot go on from.
class VhostPair final : public Pair {
  public:
    /// `prepare` as of LoopThread. `log` outlives the pair.
    static Result<std::unique_ptr<VhostPair>> create(std::unique_ptr<Tap> tap, Vhost vhost,
                                                     const std::function<Result<void>()>& prepare, Log& log);
    VhostPair(const VhostPair&) = delete;
    VhostPair& operator=(const VhostPair&) = delete;
    ~VhostPair() override { stop(); }

    Result<void> start(Queues queues, const virtio::Activation& activation, std::size_t mtu) override;
    bool started() override;
    Result<void> set_in_use(bool in_use) override;
    Result<void> set_offloads(unsigned flags) override;
    void stop() override;
    EventLoop& loop() override { return thread_->loop(); }

  private:
    VhostPair(std::unique_ptr<Tap> tap, Vhost vhost, Log& log, EventFd error,
              std::unique_ptr<LoopThread> thread)
        : tap_(std::move(tap)),
          vhost_(std::move(vhost)),
          log_(log),
          error_(std::move(error)),
          thread_(std::move(thread)) {}

    // On the thread.
    Result<void> take(Queues queues, const virtio::Activation& activation);
    Result<void> change_use(bool in_use);
    void take_off();
    void release();
    void on_error();

    std::unique_ptr<Tap> tap_;
    Vhost vhost_;
    Log& log_;
    EventFd error_;
    std::optional<Queues> queues_;
    virtio::Interrupt* interrupt_ = nullptr;
    bool served_ = false;  // by the kernel

    std::unique_ptr<LoopThread> thread_;  // last: it uses all of the above
};

}  // namespace nacre::net
