#include "vmm/devices/virtio/queue_server.h"

namespace nacre::virtio {

QueueServer::QueueServer(EventLoop& loop, Log& log, std::string name, Handler handler)
    : loop_(loop), log_(log), name_(std::move(name)), handler_(std::move(handler)) {}

Result<void> QueueServer::start(ActiveQueue queue, Interrupt& interrupt) {
    Result<void> result;
    loop_.run_in_loop([&] {
        queue_.emplace(std::move(queue));
        interrupt_ = &interrupt;
        result = loop_.add(queue_->kick->fd(), EPOLLIN, [this](std::uint32_t) { on_kick(); });
        if (!result)
            queue_.reset();
    });
    return result;
}

void QueueServer::stop() {
    loop_.run_in_loop([this] { unwatch(); });
}

void QueueServer::unwatch() {
    if (!queue_)
        return;
    loop_.remove(queue_->kick->fd());
    queue_.reset();
}

void QueueServer::on_kick() {
    queue_->kick->drain();
    const auto served = serve_chains();
    if (!served) {
        log_.write(LogLevel::warning, "{}: {}", name_, served.error().message);
        unwatch();
        interrupt_->signal_needs_reset();
    } else if (queue_->queue.needs_interrupt()) {
        interrupt_->signal_used_buffer();
    }
}

Result<void> QueueServer::serve_chains() {
    auto& queue = queue_->queue;
    unsigned left = max_chains_per_event;
    do {
        queue.disable_notifications();
        NACRE_ASSIGN(const auto served, serve_available(left));
        left -= served;
        if (left == 0) {
            // Kicks itself, so that what is left comes after the other events of the loop.
            queue_->kick->signal();
            return {};
        }
    } while (queue.enable_notifications());
    return {};
}

Result<unsigned> QueueServer::serve_available(unsigned limit) {
    auto& queue = queue_->queue;
    for (unsigned served = 0; served < limit; ++served) {
        NACRE_ASSIGN(auto chain, queue.pop());
        if (!chain)
            return served;
        const auto written = handler_(*chain);
        NACRE_TRY(queue.push_used(std::move(*chain), written));
    }
    return limit;
}

}  // namespace nacre::virtio
