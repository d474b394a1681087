#include "vmm/devices/virtio/mmio_interrupt.h"

#include <linux/virtio_mmio.h>

namespace nacre::virtio {

void MmioInterrupt::signal_used_buffer() {
    raise(VIRTIO_MMIO_INT_VRING);
}

// Counted before and after: whichever half of a value a driver reads in between, the generation is another
// one by its second look.
void MmioInterrupt::begin_config_change() {
    ++config_generation_;
}

// A driver that finds the bit set though nothing was used looks into its queues in vain; that is harmless.
const EventFd& MmioInterrupt::used_buffer_line() {
    always_ = VIRTIO_MMIO_INT_VRING;
    return line_;
}

void MmioInterrupt::signal_config_change() {
    ++config_generation_;
    raise(VIRTIO_MMIO_INT_CONFIG);
}

void MmioInterrupt::signal_needs_reset() {
    needs_reset_ = true;
    raise(VIRTIO_MMIO_INT_CONFIG);
}

// The line is raised even for a bit that is already set: the driver acknowledges before it looks at the
// queues, so on an edge-triggered line one interrupt too many is harmless, one too few is a hang.
void MmioInterrupt::raise(std::uint32_t bit) {
    status_ |= bit;
    line_.signal();
}

void MmioInterrupt::reset() {
    status_ = 0;
    always_ = 0;
    needs_reset_ = false;
}

}  // namespace nacre::virtio
