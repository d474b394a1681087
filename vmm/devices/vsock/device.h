#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "vmm/base/event_fd.h"
#include "vmm/base/event_loop.h"
#include "vmm/base/log.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/devices/vsock/host_listener.h"
#include "vmm/devices/vsock/muxer.h"
#include "vmm/devices/vsock/rx_buffers.h"

namespace nacre::vsock {

/// The virtio socket device (Virtio 1.2, 5.10), in user space: the guest's stream sockets meet unix sockets
/// of the host. All work is done on the thread of the event loop; the functions of virtio::Device may be
/// called from any other.
class Device final : public virtio::Device {
  public:
    /// A port of the host that the guest may connect to, once, and the connected stream socket it gets.
    struct HostPort {
        std::uint32_t port = 0;
        FileDescriptor socket;
    };

    struct Options {
        std::uint64_t guest_cid = 3;

        /// Listening AF_UNIX stream socket for programs of the host that say "CONNECT <port>\n"; may be none.
        FileDescriptor listener;

        std::vector<HostPort> host_ports;

        /// Called once, on the loop's thread, when the guest has first connected to one of host_ports.
        std::function<void(std::uint32_t port)> on_first_guest_connect;

        std::size_t max_connections = 512;
        Timeouts timeouts;

        /// Where a guest that breaks the queues' rules is reported; may be none. Outlives the device.
        Log* log = nullptr;
    };

    /// `loop` outlives the device, which is destroyed on the loop's thread or when none runs the loop.
    static Result<std::unique_ptr<Device>> create(EventLoop& loop, Options options);
    ~Device() override;

    std::uint32_t type() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

    /// Connections that exist now, those that wait for the driver included. On the loop's thread.
    std::size_t connections() const { return muxer_->connections(); }

  private:
    /// What exists between DRIVER_OK and reset.
    struct Active {
        virtio::Interrupt* interrupt;
        RxBuffers rx;
        virtio::Queue tx;
        const EventFd* rx_kick;
        const EventFd* tx_kick;
        bool tx_pending = true;  // the guest may have sent packets that were not looked at
    };

    Device(EventLoop& loop, std::uint64_t guest_cid, EventFd resume, Log* log);

    Result<void> start(virtio::Activation& activation);
    Result<void> watch_kick(const EventFd* kick, bool transmit);
    void stop();
    void serve();
    Result<bool> exchange();
    Result<void> receive_packets();
    void receive_packet(const virtio::DescriptorChain& chain);
    void give_up(const Error& error);

    EventLoop& loop_;
    std::uint64_t guest_cid_;
    EventFd resume_;  // wakes the loop for work that was left so that others get their turn
    Log* log_;
    std::optional<Active> active_;
    std::unique_ptr<Muxer> muxer_;
    std::unique_ptr<HostListener> listener_;
    std::vector<iovec> payload_;  // scratch
};

}  // namespace nacre::vsock
