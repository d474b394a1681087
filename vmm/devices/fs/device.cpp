#include "vmm/devices/fs/device.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>

#include <algorithm>
#include <cstring>

namespace nacre::fs {

namespace {

constexpr std::uint16_t hiprio_queue_size = 128;

/// The guest puts a request of 1 MiB, 256 pages and some headers, into one chain (FUSE_HEADER_OVERHEAD in
/// fs/fuse/virtio_fs.c), which must not be longer than the queue.
constexpr std::uint16_t request_queue_size = 512;

constexpr unsigned max_request_queues = 64;
constexpr std::size_t tag_size = sizeof(virtio_fs_config::tag);

Result<void> check_options(const Options& options) {
    if (options.tag.empty() || options.tag.size() > tag_size || options.tag.find('\0') != std::string::npos)
        return fail("virtio-fs: a tag has 1 to {} bytes and no NUL", tag_size);
    if (options.request_queues == 0 || options.request_queues > max_request_queues)
        return fail("virtio-fs: 1 to {} request queues", max_request_queues);
    if (options.threads.max_threads == 0)
        return fail("virtio-fs: at least one thread is needed");
    return {};
}

}  // namespace

Result<std::unique_ptr<Device>> Device::create(FileDescriptor root, FileDescriptor own_descriptors,
                                               Options options, Log& log) {
    NACRE_TRY(check_options(options));
    NACRE_ASSIGN(auto file_system,
                 fuse::FileSystem::create(std::move(root), std::move(own_descriptors), options.files));
    std::unique_ptr<Device> device(new Device(std::move(options), std::move(file_system), log));
    auto serve = [self = device.get()](fuse::Worker& worker, std::size_t queue) {
        self->serve(worker, queue);
    };
    NACRE_ASSIGN(device->pool_,
                 WorkerPool::create(*device->file_system_, device->options_.threads, serve, log));
    return device;
}

Device::Device(Options options, std::unique_ptr<fuse::FileSystem> file_system, Log& log)
    : options_(std::move(options)), log_(log), file_system_(std::move(file_system)) {
    for (unsigned index = 0; index < 1 + options_.request_queues; ++index)
        queues_.push_back(std::make_unique<ServedQueue>());
}

std::uint32_t Device::type() const {
    return VIRTIO_ID_FS;
}

std::vector<std::uint16_t> Device::queue_sizes() const {
    std::vector<std::uint16_t> sizes(queues_.size(), request_queue_size);
    sizes.front() = hiprio_queue_size;
    return sizes;
}

void Device::read_config(std::uint64_t offset, std::span<std::byte> data) const {
    virtio_fs_config config{};
    std::copy(options_.tag.begin(), options_.tag.end(), config.tag);
    config.num_request_queues = options_.request_queues;
    const auto bytes = std::as_bytes(std::span(&config, 1));
    std::ranges::fill(data, std::byte{0});
    if (offset < bytes.size())
        std::ranges::copy(bytes.subspan(offset, std::min(data.size(), bytes.size() - offset)), data.begin());
}

Result<void> Device::activate(virtio::Activation activation) {
    interrupt_ = activation.interrupt;
    for (std::size_t index = 0; index < queues_.size(); ++index) {
        if (activation.queues[index])
            NACRE_TRY(start_queue(*queues_[index], std::move(*activation.queues[index]), index));
    }
    return {};
}

Result<void> Device::start_queue(ServedQueue& queue, virtio::ActiveQueue active, std::size_t index) {
    const EventFd& kick = *active.kick;
    {
        const std::lock_guard lock(queue.mutex);
        queue.active = std::move(active);
        queue.broken = false;
    }
    return pool_->watch(kick, index);
}

void Device::deactivate() {
    for (auto& queue : queues_)
        stop_queue(*queue);
    file_system_->reset();
    interrupt_ = nullptr;
}

void Device::stop_queue(ServedQueue& queue) {
    std::unique_lock lock(queue.mutex);
    if (!queue.active)
        return;
    pool_->unwatch(*queue.active->kick);
    queue.broken = true;  // nothing more is taken
    queue.idle.wait(lock, [&] { return queue.in_progress == 0; });
    queue.active.reset();
}

void Device::serve(fuse::Worker& worker, std::size_t index) {
    auto& queue = *queues_[index];
    while (auto chain = take_request(queue)) {
        pool_->about_to_work();
        const std::size_t length = worker.handle(chain->readable, chain->writable);
        pool_->done_working();
        give_back(queue, std::move(*chain), length);
    }
}

/// The next request. Where there are more, one other thread is woken for them; it wakes the next one.
std::optional<virtio::DescriptorChain> Device::take_request(ServedQueue& queue) {
    const std::lock_guard lock(queue.mutex);
    if (!queue.active || queue.broken)
        return std::nullopt;
    for (;;) {
        auto chain = queue.active->queue.pop();
        if (!chain) {
            mark_broken(queue, chain.error());
            return std::nullopt;
        }
        const bool more = queue.active->queue.enable_notifications();
        if (*chain) {
            ++queue.in_progress;
            if (more && options_.threads.max_threads > 1)
                queue.active->kick->signal();
            return std::move(*chain);
        }
        if (!more)
            return std::nullopt;
    }
}

void Device::give_back(ServedQueue& queue, virtio::DescriptorChain chain, std::size_t reply_length) {
    const std::lock_guard lock(queue.mutex);
    const auto pushed =
        queue.active->queue.push_used(std::move(chain), static_cast<std::uint32_t>(reply_length));
    if (!pushed)
        mark_broken(queue, pushed.error());
    else if (queue.active->queue.needs_interrupt())
        interrupt_->signal_used_buffer();
    if (--queue.in_progress == 0)
        queue.idle.notify_all();
}

void Device::mark_broken(ServedQueue& queue, const Error& error) {
    queue.broken = true;
    log_.write(LogLevel::warning, "virtio-fs: {}", error.message);
    interrupt_->signal_needs_reset();
}

}  // namespace nacre::fs
