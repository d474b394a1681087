#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/devices/virtio/device.h"

namespace nacre::virtio {

/// Serves one queue whose chains are answered at once, one after another, on the thread of an event loop.
///
/// A driver that publishes without end gets `max_chains_per_event` of them served before others on the loop
/// have their turn. A malformed chain stops the queue and becomes DEVICE_NEEDS_RESET.
class QueueServer {
  public:
    /// Answers a chain and returns how many bytes of its writable part are valid. On the loop's thread; must
    /// not block, and bounds its work itself.
    using Handler = std::function<std::uint32_t(const DescriptorChain& chain)>;

    static constexpr unsigned max_chains_per_event = 16;

    /// `loop` and `log` outlive the server; `name` stands in front of its log lines.
    QueueServer(EventLoop& loop, Log& log, std::string name, Handler handler);
    QueueServer(const QueueServer&) = delete;
    QueueServer& operator=(const QueueServer&) = delete;
    ~QueueServer() { stop(); }

    /// Takes the queue, from any thread; `interrupt` lives until stop(). Fails when the loop cannot watch the
    /// kick.
    Result<void> start(ActiveQueue queue, Interrupt& interrupt);

    /// When it returns, the queue is not touched any more. From any thread, also when not started.
    void stop();

  private:
    void on_kick();
    Result<void> serve_chains();
    Result<unsigned> serve_available(unsigned limit);
    void unwatch();

    EventLoop& loop_;
    Log& log_;
    std::string name_;
    Handler handler_;

    // On the loop's thread only.
    std::optional<ActiveQueue> queue_;
    Interrupt* interrupt_ = nullptr;
};

}  // namespace nacre::virtio
