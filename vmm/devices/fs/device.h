#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/devices/fs/worker_pool.h"
#include "vmm/devices/virtio/device.h"
#include "vmm/fuse/file_system.h"

namespace nacre::fs {

struct Options {
    /// By which the guest mounts it: at most 36 bytes, no NUL.
    std::string tag = "nacre";
    /// Queues for requests, beside the one for FORGET and INTERRUPT; the guest spreads its CPUs over them.
    unsigned request_queues = 1;
    WorkerPool::Options threads;
    fuse::Options files;
};

/// The virtio file system device (Virtio 1.2, 5.11): carries FUSE requests from its queues to the file server
/// and the replies back. Its threads are its own, and start when it is created.
class Device final : public virtio::Device {
  public:
    /// Shares the directory `root`; `own_descriptors` as of fuse::FileSystem. No fork may come after. Call it
    /// on a thread that has the capabilities to act for the guest's users; `options.threads.on_thread_start`
    /// may take away the rest. `log` outlives the device.
    static Result<std::unique_ptr<Device>> create(FileDescriptor root, FileDescriptor own_descriptors,
                                                  Options options, Log& log);

    std::uint32_t type() const override;
    std::uint64_t features() const override { return 0; }
    std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> data) const override;
    Result<void> activate(virtio::Activation activation) override;
    void deactivate() override;

  private:
    /// One virtqueue. Threads take turns at it; requests are carried out outside the lock.
    struct ServedQueue {
        std::mutex mutex;
        std::condition_variable idle;
        std::optional<virtio::ActiveQueue> active;  // empty while the device is not active
        std::size_t in_progress = 0;
        bool broken = false;
    };

    Device(Options options, std::unique_ptr<fuse::FileSystem> file_system, Log& log);
    Result<void> start_queue(ServedQueue& queue, virtio::ActiveQueue active, std::size_t index);
    void stop_queue(ServedQueue& queue);
    void serve(fuse::Worker& worker, std::size_t index);
    std::optional<virtio::DescriptorChain> take_request(ServedQueue& queue);
    void give_back(ServedQueue& queue, virtio::DescriptorChain chain, std::size_t reply_length);
    void mark_broken(ServedQueue& queue, const Error& error);

    Options options_;
    Log& log_;
    std::unique_ptr<fuse::FileSystem> file_system_;
    std::vector<std::unique_ptr<ServedQueue>> queues_;
    virtio::Interrupt* interrupt_ = nullptr;
    std::unique_ptr<WorkerPool> pool_;  // last: its threads use all of the above
};

}  // namespace nacre::fs
