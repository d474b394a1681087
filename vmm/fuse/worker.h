#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/fuse/credentials.h"
#include "vmm/fuse/file_system.h"
#include "vmm/fuse/operation.h"

namespace nacre::fuse {

/// Turns request bytes into reply bytes, on one thread. Several workers may share a FileSystem.
class Worker {
  public:
    /// To be called on the thread that will use it, which then belongs to the file server: it gets its own
    /// umask, its working directory becomes /proc/self/fd, and its file system ids follow the requests.
    /// `file_system` must outlive the worker.
    static Result<std::unique_ptr<Worker>> create(FileSystem& file_system);

    /// Carries out the request in `request` (fuse_in_header first; its bytes may change under us) and writes
    /// the reply into `reply`. Returns the reply's length, at most the space there is; 0 when there is none
    /// to send. Whatever the request contains, the answer to what is malformed is an errno.
    std::size_t handle(std::span<const iovec> request, std::span<const iovec> reply);

  private:
    Worker(FileSystem& file_system, ThreadCredentials credentials)
        : file_system_(file_system), credentials_(credentials) {}
    std::size_t carry_out(const fuse_in_header& header, std::span<const iovec> request,
                          std::size_t request_length, Reply& reply);
    Outcome<> run(const Operation& operation, const fuse_in_header& header, std::span<const iovec> request,
                  std::size_t request_length, Reply& reply);

    FileSystem& file_system_;
    ThreadCredentials credentials_;
    std::vector<std::byte> arguments_;  // memory kept between requests
    std::vector<std::byte> reply_;
};

}  // namespace nacre::fuse
