#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vmm/base/event_fd.h"
#include "vmm/base/result.h"
#include "vmm/devices/virtio/queue.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::virtio {

/// How a device tells the driver something (Virtio 1.2, 4.2.3.3 for MMIO). Safe from any thread.
class Interrupt {
  public:
    virtual ~Interrupt() = default;

    /// Sets the used-buffer bit of InterruptStatus and raises the line. Queues ask first whether the driver
    /// wants it.
    virtual void signal_used_buffer() = 0;

    /// An eventfd that is as good as signal_used_buffer(), for the host's kernel: it knows of no register, so
    /// the used-buffer bit is taken as always set from now on, until the reset. Valid as long as the object.
    virtual const EventFd& used_buffer_line() = 0;

    /// Before the device changes what its configuration space holds, other than by a write of the driver: a
    /// driver that reads it meanwhile sees ConfigGeneration change (Virtio 1.2, 2.5.1).
    virtual void begin_config_change() = 0;

    /// After it: sets the configuration-change bit and raises the line.
    virtual void signal_config_change() = 0;

    /// Sets DEVICE_NEEDS_RESET and tells the driver: the device met something it cannot go on from
    /// (Virtio 1.2, 2.1.2).
    virtual void signal_needs_reset() = 0;
};

/// A queue that the driver has enabled, and the eventfd that fires when the driver kicks it.
struct ActiveQueue {
    Queue queue;
    const EventFd* kick;
};

/// What a device gets at DRIVER_OK and keeps until deactivate().
struct Activation {
    const GuestMemory* memory;
    std::uint64_t features;  // what the driver accepted, a subset of what was offered
    Interrupt* interrupt;
    std::vector<std::optional<ActiveQueue>>
        queues;  // by index; empty where the driver left the queue disabled
};

/// A guest-physical window that a device offers besides RAM (Virtio 1.2, 2.10), e.g. the DAX window of
/// virtio-fs.
struct SharedMemoryRegion {
    std::uint8_t id;
    GuestAddress start;
    std::uint64_t size;
};

/// One virtio device, behind any transport; knows neither KVM nor registers.
///
/// The transport calls everything under its own lock, on vCPU threads. A device does its work on threads or
/// an event loop of its own, which it is given at construction.
class Device {
  public:
    virtual ~Device() = default;

    /// Device ID (Virtio 1.2, section 5).
    virtual std::uint32_t type() const = 0;

    /// Feature bits it offers. The transport adds what concerns itself and the queues: VIRTIO_F_VERSION_1,
    /// VIRTIO_RING_F_EVENT_IDX and VIRTIO_RING_F_INDIRECT_DESC.
    virtual std::uint64_t features() const = 0;

    /// The largest size of each of its queues, powers of two up to 32768.
    virtual std::vector<std::uint16_t> queue_sizes() const = 0;

    /// Reads its configuration space; bytes past its end read as zero.
    virtual void read_config(std::uint64_t offset, std::span<std::byte> data) const = 0;

    /// Writes it; most devices have nothing writable.
    virtual void write_config(std::uint64_t offset, std::span<const std::byte> data);

    virtual std::vector<SharedMemoryRegion> shared_memory() const { return {}; }

    /// Starts work on the queues. An error becomes DEVICE_NEEDS_RESET; deactivate() is called then as well.
    /// Never calls back into the transport other than through Interrupt, which takes no lock.
    virtual Result<void> activate(Activation activation) = 0;

    /// Stops: when it returns, no thread of the device touches the queues or guest memory any more. May be
    /// called when not active.
    virtual void deactivate() = 0;
};

}  // namespace nacre::virtio
