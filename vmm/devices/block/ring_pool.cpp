#include "vmm/devices/block/ring_pool.h"

namespace nacre::block {

RingPool::RingPool(unsigned count, unsigned depth) {
    idle_.reserve(count);
    while (idle_.size() < count) {
        auto ring = Ring::create(depth);
        if (!ring) {
            why_none_ = ring.error().message;
            return;
        }
        idle_.push_back(std::move(*ring));
    }
}

Result<Ring> RingPool::take() {
    if (idle_.empty())
        return fail("{}", why_none_);
    auto ring = std::move(idle_.back());
    idle_.pop_back();
    return ring;
}

void RingPool::give_back(Ring ring) {
    idle_.push_back(std::move(ring));
}

}  // namespace nacre::block
