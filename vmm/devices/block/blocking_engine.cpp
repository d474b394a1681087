#include "vmm/devices/block/blocking_engine.h"

namespace nacre::block {

void BlockingEngine::start(const Operation& operation, std::size_t tag) {
    done_.push_back({tag, perform(disk_, operation)});
}

void BlockingEngine::collect(std::vector<Completion>& completions) {
    completions.insert(completions.end(), done_.begin(), done_.end());
    done_.clear();
}

}  // namespace nacre::block
