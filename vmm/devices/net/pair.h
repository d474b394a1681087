#pragma once

#include "vmm/base/event_loop.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::net {

/// One queue pair and the tap queue that belongs to it; whoever moves the frames between them.
///
/// Threads: any, one at a time.
class Pair {
  public:
    struct Queues {
        virtio::ActiveQueue receive;
        virtio::ActiveQueue transmit;
    };

    virtual ~Pair() = default;

    /// Takes the queues of `activation`; frames flow while the pair is in use. `mtu`: of the interface. The
    /// memory and interrupt of `activation` live until stop().
    virtual Result<void> start(Queues queues, const virtio::Activation& activation, std::size_t mtu) = 0;
    virtual bool started() = 0;

    /// Takes the pair into use, or out of it: the host then sends nothing to it, and what the driver puts
    /// into its queues stays there. An error when the tap queue cannot be attached or detached.
    virtual Result<void> set_in_use(bool in_use) = 0;

    /// Tap::set_offloads().
    virtual Result<void> set_offloads(unsigned flags) = 0;

    /// When it returns, nothing touches the queues or guest memory any more. Also when not started.
    virtual void stop() = 0;

    /// The loop of a thread of the pair's, for what else belongs to the device.
    virtual EventLoop& loop() = 0;
};

}  // namespace nacre::net
