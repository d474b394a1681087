#include "vmm/devices/net/vhost_pair.h"

#include <cstdlib>
#include <utility>

namespace nacre::net {

Result<std::unique_ptr<VhostPair>> VhostPair::create(std::unique_ptr<Tap> tap, Vhost vhost,
                                                     const std::function<Result<void>()>& prepare, Log& log) {
    NACRE_ASSIGN(auto error, EventFd::create());
    NACRE_ASSIGN(auto thread, LoopThread::start(prepare, log));
    return std::unique_ptr<VhostPair>(
        new VhostPair(std::move(tap), std::move(vhost), log, std::move(error), std::move(thread)));
}

Result<void> VhostPair::start(Queues queues, const virtio::Activation& activation, std::size_t /*mtu*/) {
    return thread_->call([&] { return take(std::move(queues), activation); });
}

bool VhostPair::started() {
    bool started = false;
    loop().run_in_loop([&] { started = queues_.has_value(); });
    return started;
}

Result<void> VhostPair::set_in_use(bool in_use) {
    return thread_->call([&] { return change_use(in_use); });
}

Result<void> VhostPair::set_offloads(unsigned flags) {
    return thread_->call([&] { return tap_->set_offloads(flags); });
}

void VhostPair::stop() {
    loop().run_in_loop([this] { release(); });
}

Result<void> VhostPair::take(Queues queues, const virtio::Activation& activation) {
    queues_.emplace(std::move(queues));
    interrupt_ = activation.interrupt;
    error_.drain();
    NACRE_TRY(loop().add(error_.fd(), EPOLLIN, [this](std::uint32_t) { on_error(); }));
    NACRE_TRY(vhost_.set_features(activation.features));
    NACRE_TRY(vhost_.set_memory(*activation.memory));
    const auto& line = interrupt_->used_buffer_line();
    NACRE_TRY(vhost_.set_queue(Vhost::receive, queues_->receive.queue, *queues_->receive.kick, line, error_));
    return vhost_.set_queue(Vhost::transmit, queues_->transmit.queue, *queues_->transmit.kick, line, error_);
}

Result<void> VhostPair::change_use(bool in_use) {
    if (!in_use)
        take_off();
    NACRE_TRY(tap_->set_attached(in_use));
    if (!in_use || !queues_)
        return {};
    served_ = true;
    NACRE_TRY(vhost_.set_backend(Vhost::receive, tap_->fd()));
    return vhost_.set_backend(Vhost::transmit, tap_->fd());
}

/// Cannot fail: the queues are known to the kernel, and this process is the owner. If it did, the kernel
/// would go on to write into a guest that does not expect it, so that would be the end.
void VhostPair::take_off() {
    if (!std::exchange(served_, false))
        return;
    if (!vhost_.set_backend(Vhost::receive, -1) || !vhost_.set_backend(Vhost::transmit, -1))
        std::abort();
}

void VhostPair::release() {
    if (!queues_)
        return;
    take_off();
    loop().remove(error_.fd());
    queues_.reset();
}

void VhostPair::on_error() {
    log_.write(LogLevel::warning, "virtio-net: vhost cannot go on with a queue");
    release();
    interrupt_->signal_needs_reset();
}

}  // namespace nacre::net
