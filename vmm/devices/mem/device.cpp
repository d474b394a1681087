#include "vmm/devices/mem/device.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_mem.h>

#include <algorithm>
#include <cstring>

#include "vmm/memory/discard.h"

namespace nacre::mem {

namespace {

/// More is unplugged in several requests: giving pages back takes time, and holds up the loop. Linux asks for
/// 128 MiB at most.
constexpr std::uint64_t max_blocks_per_unplug = (std::uint64_t{1} << 30) / Blocks::size;

std::uint16_t number_of(Blocks::State state) {
    switch (state) {
        case Blocks::State::plugged:
            return VIRTIO_MEM_STATE_PLUGGED;
        case Blocks::State::unplugged:
            return VIRTIO_MEM_STATE_UNPLUGGED;
        default:
            return VIRTIO_MEM_STATE_MIXED;
    }
}

}  // namespace

Device::Device(EventLoop& loop, Region region, Log& log)
    : loop_(loop),
      region_(std::move(region)),
      log_(log),
      blocks_(region_.start, region_.memory.size()),
      requests_(loop, log, "virtio-mem",
                [this](const virtio::DescriptorChain& chain) { return answer(chain); }) {}

std::uint32_t Device::type() const {
    return VIRTIO_ID_MEM;
}

Result<void> Device::resize(std::uint64_t bytes) {
    if (bytes % Blocks::size != 0 || bytes > region_bytes())
        return fail_with(EINVAL, "resize the memory device to {} bytes of {}", bytes, region_bytes());
    const auto usable = (bytes + usable_step - 1) / usable_step * usable_step;
    if (usable > usable_)
        NACRE_TRY(region_.make_usable(usable));
    if (interrupt_ != nullptr)
        interrupt_->begin_config_change();
    usable_ = std::max<std::uint64_t>(usable_, usable);
    requested_ = bytes;
    if (interrupt_ != nullptr)
        interrupt_->signal_config_change();
    return {};
}

void Device::read_config(std::uint64_t offset, std::span<std::byte> data) const {
    virtio_mem_config config{};
    config.block_size = Blocks::size;
    config.addr = region_.start;
    config.region_size = region_bytes();
    config.usable_region_size = usable_;
    config.plugged_size = plugged_;
    config.requested_size = requested_;
    if (offset >= sizeof config)
        return;
    const auto bytes = std::as_bytes(std::span(&config, 1)).subspan(offset);
    std::ranges::copy(bytes.first(std::min(bytes.size(), data.size())), data.begin());
}

Result<void> Device::activate(virtio::Activation activation) {
    auto& queue = activation.queues.at(0);
    if (!queue)
        return fail("the request queue is not enabled");
    NACRE_TRY(requests_.start(std::move(*queue), *activation.interrupt));
    loop_.run_in_loop([this, &activation] { interrupt_ = activation.interrupt; });
    return {};
}

void Device::deactivate() {
    requests_.stop();
    loop_.run_in_loop([this] { interrupt_ = nullptr; });
}

std::uint32_t Device::answer(const virtio::DescriptorChain& chain) {
    virtio_mem_req request{};
    const auto size =
        virtio::copy_from_iovecs(chain.readable, 0, std::as_writable_bytes(std::span(&request, 1)));
    auto state = Blocks::State::unplugged;
    virtio_mem_resp response{};
    response.type = size == sizeof request ? carry_out(request, state) : std::uint16_t{VIRTIO_MEM_RESP_ERROR};
    response.u.state.state = number_of(state);
    return static_cast<std::uint32_t>(
        virtio::copy_to_iovecs(chain.writable, 0, std::as_bytes(std::span(&response, 1))));
}

std::uint16_t Device::carry_out(const virtio_mem_req& request, Blocks::State& state) {
    if (request.type == VIRTIO_MEM_REQ_UNPLUG_ALL)
        return unplug_all();
    // Those to unplug, or to tell the state of, are named in the same form.
    const auto range = blocks_.find(request.u.plug.addr, request.u.plug.nb_blocks, usable_);
    if (!range)
        return VIRTIO_MEM_RESP_ERROR;
    switch (request.type) {
        case VIRTIO_MEM_REQ_PLUG:
            return plug(*range);
        case VIRTIO_MEM_REQ_UNPLUG:
            return unplug(*range);
        case VIRTIO_MEM_REQ_STATE:
            state = blocks_.state(*range);
            return VIRTIO_MEM_RESP_ACK;
        default:
            return VIRTIO_MEM_RESP_ERROR;
    }
}

std::uint16_t Device::plug(const Blocks::Range& range) {
    if (blocks_.state(range) != Blocks::State::unplugged)
        return VIRTIO_MEM_RESP_ERROR;
    if (blocks_.plugged_bytes() + range.count * Blocks::size > requested_)
        return VIRTIO_MEM_RESP_NACK;
    blocks_.plug(range);
    plugged_ = blocks_.plugged_bytes();
    return VIRTIO_MEM_RESP_ACK;
}

std::uint16_t Device::unplug(const Blocks::Range& range) {
    if (blocks_.state(range) != Blocks::State::plugged)
        return VIRTIO_MEM_RESP_ERROR;
    if (range.count > max_blocks_per_unplug)
        return VIRTIO_MEM_RESP_NACK;
    if (!give_back(range.first * Blocks::size, range.count * Blocks::size))
        return VIRTIO_MEM_RESP_BUSY;
    blocks_.unplug(range);
    plugged_ = blocks_.plugged_bytes();
    return VIRTIO_MEM_RESP_ACK;
}

/// A driver that starts anew asks for this, once.
std::uint16_t Device::unplug_all() {
    if (!give_back(0, usable_))
        return VIRTIO_MEM_RESP_BUSY;
    blocks_ = Blocks(region_.start, region_bytes());
    plugged_ = 0;
    return VIRTIO_MEM_RESP_ACK;
}

bool Device::give_back(std::uint64_t offset, std::uint64_t bytes) {
    const auto given = discard(region_.memory.subspan(offset, bytes));
    if (!given)
        log_.write(LogLevel::warning, "virtio-mem: {}", given.error().message);
    return given.has_value();
}

}  // namespace nacre::mem
