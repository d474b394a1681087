#include "vmm/devices/vsock/device.h"

#include <endian.h>
#include <linux/virtio_ids.h>

#include <algorithm>
#include <cstring>

#include "vmm/devices/virtio/iovecs.h"

namespace nacre::vsock {

namespace {

// Queues (Virtio 1.2, 5.10.2). Linux fills the receive queue with buffers of 4 KiB, each from an 8 KiB slab,
// so its size is a matter of guest memory and boot time.
enum QueueIndex : std::size_t { rx_queue, tx_queue, event_queue };
constexpr std::uint16_t rx_queue_size = 64;
constexpr std::uint16_t tx_queue_size = 64;
constexpr std::uint16_t event_queue_size = 8;

/// VIRTIO_VSOCK_F_STREAM (Virtio 1.2, 5.10.3), which linux/virtio_vsock.h does not name.
constexpr unsigned feature_stream = 0;

/// Packets taken from the guest before others on the thread get their turn.
constexpr unsigned packets_a_call = 64;

}  // namespace

Result<std::unique_ptr<Device>> Device::create(EventLoop& loop, Options options) {
    NACRE_ASSIGN(auto resume, EventFd::create());
    std::unique_ptr<Device> device(new Device(loop, options.guest_cid, std::move(resume), options.log));
    auto* self = device.get();
    NACRE_TRY(loop.add(self->resume_.fd(), EPOLLIN, [self](std::uint32_t) {
        self->resume_.drain();
        self->serve();
    }));
    Muxer::Options muxer;
    muxer.guest_cid = options.guest_cid;
    muxer.max_connections = options.max_connections;
    muxer.timeouts = options.timeouts;
    muxer.on_work = [self] { self->serve(); };
    muxer.on_guest_connect = [report =
                                  std::move(options.on_first_guest_connect)](std::uint32_t port) mutable {
        if (report)
            std::exchange(report, nullptr)(port);
    };
    NACRE_ASSIGN(self->muxer_, Muxer::create(loop, std::move(muxer)));
    for (auto& [port, socket] : options.host_ports)
        self->muxer_->offer(port, std::move(socket));
    if (options.listener) {
        HostListener::Options listener;
        listener.on_connect = [self](FileDescriptor socket, std::uint32_t port) {
            self->muxer_->connect(std::move(socket), port);
        };
        NACRE_ASSIGN(self->listener_,
                     HostListener::create(loop, std::move(options.listener), std::move(listener)));
        self->listener_->set_room(self->muxer_->room());
    }
    return device;
}

Device::Device(EventLoop& loop, std::uint64_t guest_cid, EventFd resume, Log* log)
    : loop_(loop), guest_cid_(guest_cid), resume_(std::move(resume)), log_(log) {}

Device::~Device() {
    deactivate();
    loop_.remove(resume_.fd());
}

std::uint32_t Device::type() const {
    return VIRTIO_ID_VSOCK;
}

std::uint64_t Device::features() const {
    return 1ULL << feature_stream;
}

std::vector<std::uint16_t> Device::queue_sizes() const {
    return {rx_queue_size, tx_queue_size, event_queue_size};
}

void Device::read_config(std::uint64_t offset, std::span<std::byte> data) const {
    const std::uint64_t cid = htole64(guest_cid_);
    std::ranges::fill(data, std::byte{0});
    if (offset >= sizeof(cid))
        return;
    const auto length = std::min<std::size_t>(data.size(), sizeof(cid) - offset);
    std::memcpy(data.data(), std::as_bytes(std::span(&cid, 1)).data() + offset, length);
}

Result<void> Device::activate(virtio::Activation activation) {
    Result<void> result;
    loop_.run_in_loop([&] { result = start(activation); });
    return result;
}

void Device::deactivate() {
    loop_.run_in_loop([this] { stop(); });
}

Result<void> Device::start(virtio::Activation& activation) {
    stop();
    auto& queues = activation.queues;
    if (queues.size() <= tx_queue || !queues[rx_queue] || !queues[tx_queue])
        return fail("the vsock driver enabled no receive or no transmit queue");
    active_.emplace(Active{activation.interrupt, RxBuffers(std::move(queues[rx_queue]->queue)),
                           std::move(queues[tx_queue]->queue), queues[rx_queue]->kick,
                           queues[tx_queue]->kick});
    auto watched = watch_kick(active_->rx_kick, false);
    if (watched)
        watched = watch_kick(active_->tx_kick, true);
    if (!watched)
        stop();
    else
        resume_.signal();  // Kicks from before this moment may have gone to nobody.
    return watched;
}

Result<void> Device::watch_kick(const EventFd* kick, bool transmit) {
    return loop_.add(kick->fd(), EPOLLIN, [this, kick, transmit](std::uint32_t) {
        kick->drain();
        active_->tx_pending |= transmit;
        serve();
    });
}

void Device::stop() {
    if (!active_)
        return;
    loop_.remove(active_->rx_kick->fd());
    loop_.remove(active_->tx_kick->fd());
    active_.reset();
    muxer_->guest_reset();
}

void Device::serve() {
    if (active_) {
        const auto more = exchange();
        if (!more)
            give_up(more.error());
        else if (*more)
            resume_.signal();
    }
    if (listener_)
        listener_->set_room(muxer_->room());
}

/// Moves packets both ways; true if it stopped only to let others have the thread.
Result<bool> Device::exchange() {
    NACRE_TRY(receive_packets());
    NACRE_ASSIGN(const bool more_to_send, muxer_->send(active_->rx));
    const bool rx_interrupt = active_->rx.needs_interrupt();
    const bool tx_interrupt = active_->tx.needs_interrupt();
    if (rx_interrupt || tx_interrupt)
        active_->interrupt->signal_used_buffer();
    return more_to_send || active_->tx_pending;
}

/// Takes what the guest has sent, up to a limit; tx_pending tells whether there may be more.
Result<void> Device::receive_packets() {
    if (!active_->tx_pending)
        return {};
    auto& queue = active_->tx;
    queue.disable_notifications();
    for (unsigned i = 0; i < packets_a_call; ++i) {
        NACRE_ASSIGN(auto chain, queue.pop());
        if (chain) {
            receive_packet(*chain);
            NACRE_TRY(queue.push_used(std::move(*chain), 0));
        } else if (!queue.enable_notifications()) {
            active_->tx_pending = false;
            return {};
        } else {
            queue.disable_notifications();
        }
    }
    return {};
}

void Device::receive_packet(const virtio::DescriptorChain& chain) {
    RawHeader raw;
    if (virtio::copy_from_iovecs(chain.readable, 0, raw) < raw.size())
        return;  // names no connection that could be answered
    auto header = decode(raw);
    payload_.clear();
    if (header.length > chain.readable_bytes - raw.size())
        header.op = Op::invalid;  // A packet that is not all there is none that any connection takes.
    else if (header.op == Op::rw)
        virtio::append_part(chain.readable, raw.size(), header.length, payload_);
    muxer_->receive(header, payload_);
}

/// The guest broke a queue: the device needs a reset (Virtio 1.2, 2.1.2), and the hosts learn that nobody is
/// there.
void Device::give_up(const Error& error) {
    if (log_ != nullptr)
        log_->write(LogLevel::warning, "virtio-vsock stops until the guest resets it: {}", error.message);
    active_->interrupt->signal_needs_reset();
    stop();
}

}  // namespace nacre::vsock
