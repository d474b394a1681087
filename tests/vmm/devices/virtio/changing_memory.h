#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace nacre::virtio::fake {

/// Memory of a guest that changes what a device has just looked at: while the object lives, `change` is called after every
/// single instruction of this thread that reads or writes `memory`, with the eight bytes around the address it touched. A
/// value that is fetched twice is another one the second time.
///
/// `memory` is whole pages; one object at a time. Each access costs two signals (SIGSEGV, because the pages are out of reach, and
/// SIGTRAP, after the one instruction that they were made accessible for). `change` runs in a signal handler, and must not touch
/// other pages of `memory`. System calls get EFAULT.
class ChangingMemory {
  public:
    using Change = std::function<void(std::span<std::byte, 8> touched)>;

    ChangingMemory(std::span<std::byte> memory, Change change);
    ChangingMemory(const ChangingMemory&) = delete;
    ChangingMemory& operator=(const ChangingMemory&) = delete;
    ~ChangingMemory();
};

}  // namespace nacre::virtio::fake
