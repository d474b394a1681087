#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "vmm/base/file_descriptor.h"
#include "vmm/memory/guest_memory.h"

namespace nacre::net::fake {

/// /dev/vhost-net of a host that may have none: in a program that links it, ioctl(2) of its descriptors is
/// answered here (ld's --wrap). It refuses what the kernel would, and more: addresses that are not the
/// guest's memory, and queues that are not described in full. It moves no frames.
///
/// Safe from any thread. One at a time; outlives whoever uses its descriptors.
class FakeVhost {
  public:
    explicit FakeVhost(const GuestMemory& memory);
    FakeVhost(const FakeVhost&) = delete;
    FakeVhost& operator=(const FakeVhost&) = delete;
    ~FakeVhost();

    /// One more descriptor of the device. `opened`, below, counts them from 0.
    FileDescriptor open();

    /// How many requests it had reason to refuse.
    unsigned refused() const;

    bool serves(std::size_t opened, unsigned queue) const;

    /// As when there is something in the queue that the kernel cannot go on from. It says so for a queue that
    /// it serves: the result.
    bool give_up(std::size_t opened, unsigned queue) const;

    /// Of the next requests the first `count` are answered, and the one after them fails, as when the host is
    /// out of memory. Becoming the owner and ending the service of a queue need none.
    void fail_after(unsigned count);

    /// What ioctl(2) gives; nothing when `fd` is none of its own.
    std::optional<int> answer(int fd, unsigned long request, void* argument);

  private:
    struct Queue {
        unsigned size = 0;
        bool has_position = false;
        bool has_addresses = false;
        std::map<unsigned long, FileDescriptor> events;  // by request; duplicates, as the kernel has
        bool served = false;
    };
    struct Opened {
        int fd = -1;
        bool owned = false;
        std::uint64_t features = 0;
        bool has_memory = false;
        std::array<Queue, 2> queues;
    };

    // Under the mutex. An errno, or 0.
    int judge(Opened& opened, unsigned long request, void* argument);
    int judge_queue(const Opened& opened, Queue& queue, unsigned long request, const void* argument);
    int set_features(Opened& opened, std::uint64_t features);
    int set_memory(Opened& opened, const void* table);
    int set_size(Queue& queue, unsigned size);
    int set_event(FileDescriptor& event, int fd);
    int set_addresses(const Opened& opened, Queue& queue, const void* argument);
    int set_backend(const Opened& opened, Queue& queue, int tap);
    int carry_out(const std::function<void()>& change);
    bool is_in_memory(std::uint64_t address, std::uint64_t length) const;

    const GuestMemory& memory_;
    mutable std::mutex mutex_;
    std::deque<Opened> opened_;
    unsigned refused_ = 0;
    std::optional<unsigned> failing_after_;
};

}  // namespace nacre::net::fake
