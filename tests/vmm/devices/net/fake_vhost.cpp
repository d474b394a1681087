#include "tests/vmm/devices/net/fake_vhost.h"

// Without it <linux/virtio_ring.h>, which comes along, has inline functions that are not C++.
#define VIRTIO_RING_NO_LEGACY
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "vmm/devices/net/protocol.h"

namespace nacre::net::fake {

namespace {

constexpr std::uint64_t known_features = feature(VIRTIO_F_VERSION_1) | feature(VIRTIO_RING_F_EVENT_IDX) |
                                         feature(VIRTIO_RING_F_INDIRECT_DESC) |
                                         feature(VIRTIO_NET_F_MRG_RXBUF);
constexpr unsigned largest_queue = 0x8000;

std::atomic<FakeVhost*> current = nullptr;

template <class T>
T copy_of(const void* argument) {
    T value;
    std::memcpy(&value, argument, sizeof value);
    return value;
}

std::uint64_t address_of(const GuestMemory::Region& region) {
    return std::bit_cast<std::uint64_t>(region.mapping.bytes().data());
}

/// All that is RAM, or may become it.
std::vector<const GuestMemory::Region*> regions_of(const GuestMemory& memory) {
    std::vector<const GuestMemory::Region*> regions;
    for (const auto& region : memory.regions())
        regions.push_back(&region);
    if (const auto* growing = memory.growing_region(); growing != nullptr)
        regions.push_back(growing);
    return regions;
}

}  // namespace

FakeVhost::FakeVhost(const GuestMemory& memory) : memory_(memory) {
    if (current.exchange(this) != nullptr)
        throw std::logic_error("a second FakeVhost");
}

FakeVhost::~FakeVhost() {
    current = nullptr;
}

FileDescriptor FakeVhost::open() {
    FileDescriptor fd(::memfd_create("vhost-net", MFD_CLOEXEC));
    const std::lock_guard lock(mutex_);
    opened_.emplace_back().fd = fd.get();
    return fd;
}

unsigned FakeVhost::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

bool FakeVhost::serves(std::size_t opened, unsigned queue) const {
    const std::lock_guard lock(mutex_);
    return opened_.at(opened).queues.at(queue).served;
}

bool FakeVhost::give_up(std::size_t opened, unsigned queue) const {
    const std::lock_guard lock(mutex_);
    const auto& from = opened_.at(opened).queues.at(queue);
    return from.served && ::eventfd_write(from.events.at(VHOST_SET_VRING_ERR).get(), 1) == 0;
}

void FakeVhost::fail_after(unsigned count) {
    const std::lock_guard lock(mutex_);
    failing_after_ = count;
}

std::optional<int> FakeVhost::answer(int fd, unsigned long request, void* argument) {
    const std::lock_guard lock(mutex_);
    // The latest of that number: the others are closed.
    const auto found =
        std::find_if(opened_.rbegin(), opened_.rend(), [&](const auto& opened) { return opened.fd == fd; });
    if (found == opened_.rend() || _IOC_TYPE(request) != VHOST_VIRTIO)
        return std::nullopt;
    errno = judge(*found, request, argument);
    if (errno != 0 && errno != ENOMEM)
        ++refused_;
    return errno == 0 ? 0 : -1;
}

int FakeVhost::judge(Opened& opened, unsigned long request, void* argument) {
    if (request == VHOST_SET_OWNER)
        return std::exchange(opened.owned, true) ? EBUSY : 0;
    if (!opened.owned)
        return EPERM;
    switch (request) {
        case VHOST_GET_FEATURES:
            std::memcpy(argument, &known_features, sizeof known_features);
            return 0;
        case VHOST_SET_FEATURES:
            return set_features(opened, copy_of<std::uint64_t>(argument));
        case VHOST_SET_MEM_TABLE:
            return set_memory(opened, argument);
        default:
            const auto index = copy_of<unsigned>(argument);  // of all that is said of a queue
            return index < opened.queues.size() ? judge_queue(opened, opened.queues[index], request, argument)
                                                : ENOBUFS;
    }
}

int FakeVhost::carry_out(const std::function<void()>& change) {
    if (failing_after_ && (*failing_after_)-- == 0) {
        failing_after_.reset();
        return ENOMEM;
    }
    change();
    return 0;
}

int FakeVhost::set_features(Opened& opened, std::uint64_t features) {
    if ((features & ~known_features) != 0)
        return EOPNOTSUPP;
    return carry_out([&] { opened.features = features; });
}

int FakeVhost::set_memory(Opened& opened, const void* table) {
    const auto expected = regions_of(memory_);
    if (copy_of<std::uint32_t>(table) != expected.size())
        return EFAULT;
    const auto* entry = static_cast<const std::byte*>(table) + 2 * sizeof(std::uint32_t);
    for (const auto* region : expected) {
        const auto said = copy_of<vhost_memory_region>(entry);
        if (said.guest_phys_addr != region->start || said.memory_size != region->mapping.size() ||
            said.userspace_addr != address_of(*region))
            return EFAULT;
        entry += sizeof said;
    }
    return carry_out([&] { opened.has_memory = true; });
}

int FakeVhost::judge_queue(const Opened& opened, Queue& queue, unsigned long request, const void* argument) {
    const auto number = copy_of<vhost_vring_state>(argument).num;  // or the descriptor of vhost_vring_file
    if (request == VHOST_NET_SET_BACKEND)
        return set_backend(opened, queue, static_cast<int>(number));
    if (queue.served)
        return EBUSY;
    switch (request) {
        case VHOST_SET_VRING_NUM:
            return set_size(queue, number);
        case VHOST_SET_VRING_BASE:
            return number <= 0xffff ? carry_out([&] { queue.has_position = true; }) : EINVAL;
        case VHOST_SET_VRING_ADDR:
            return set_addresses(opened, queue, argument);
        case VHOST_SET_VRING_KICK:
        case VHOST_SET_VRING_CALL:
        case VHOST_SET_VRING_ERR:
            return set_event(queue.events[request], static_cast<int>(number));
        default:
            return ENOTTY;
    }
}

/// A description begins with it: what was said of the queue before is gone.
int FakeVhost::set_size(Queue& queue, unsigned size) {
    queue = Queue{};
    if (!std::has_single_bit(size) || size > largest_queue)
        return EINVAL;
    return carry_out([&] { queue.size = size; });
}

int FakeVhost::set_event(FileDescriptor& event, int fd) {
    FileDescriptor own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!own)
        return EBADF;
    return carry_out([&] { event = std::move(own); });
}

int FakeVhost::set_addresses(const Opened& opened, Queue& queue, const void* argument) {
    const auto said = copy_of<vhost_vring_addr>(argument);
    if (said.flags != 0)
        return EOPNOTSUPP;
    if (said.desc_user_addr % 16 != 0 || said.avail_user_addr % 2 != 0 || said.used_user_addr % 4 != 0)
        return EINVAL;
    const std::uint64_t size = queue.size;
    const std::uint64_t event_index = (opened.features & feature(VIRTIO_RING_F_EVENT_IDX)) != 0 ? 2 : 0;
    const bool reachable = is_in_memory(said.desc_user_addr, 16 * size) &&
                           is_in_memory(said.avail_user_addr, 4 + 2 * size + event_index) &&
                           is_in_memory(said.used_user_addr, 4 + 8 * size + event_index);
    return reachable ? carry_out([&] { queue.has_addresses = true; }) : EFAULT;
}

int FakeVhost::set_backend(const Opened& opened, Queue& queue, int tap) {
    if (tap == VHOST_FILE_UNBIND) {
        queue.served = false;
        return 0;
    }
    const auto events =
        std::ranges::count_if(queue.events, [](const auto& event) { return event.second.valid(); });
    if (!opened.has_memory || queue.size == 0 || !queue.has_position || !queue.has_addresses || events != 3)
        return EFAULT;
    if (::fcntl(tap, F_GETFD) < 0)
        return EBADF;
    return carry_out([&] { queue.served = true; });
}

bool FakeVhost::is_in_memory(std::uint64_t address, std::uint64_t length) const {
    return std::ranges::any_of(regions_of(memory_), [&](const auto* region) {
        const auto start = address_of(*region);
        const auto size = region->mapping.size();
        return address >= start && address - start <= size && length <= size - (address - start);
    });
}

}  // namespace nacre::net::fake

// The linker gives the program's calls of ioctl(2) the first name, and the C library's function the second.
extern "C" int __real_ioctl(int fd, unsigned long request, ...);

extern "C" int __wrap_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    auto* const argument = va_arg(arguments, void*);
    va_end(arguments);
    if (auto* const fake = nacre::net::fake::current.load(); fake != nullptr) {
        if (const auto result = fake->answer(fd, request, argument))
            return *result;
    }
    return __real_ioctl(fd, request, argument);
}
