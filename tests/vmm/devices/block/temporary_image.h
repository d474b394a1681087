#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "vmm/base/file_descriptor.h"

namespace nacre::block::fake {

/// An image file without a name, full of the letter 'a'; gone with the object.
class TemporaryImage {
  public:
    explicit TemporaryImage(std::uint64_t size = 64 * 1024) {
        std::string path = "/tmp/nacre-disk-XXXXXX";
        file_.reset(::mkostemp(path.data(), O_CLOEXEC));
        path_ = path;
        if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(size)) < 0)
            throw std::runtime_error("no temporary image");
        write(0, std::string(size, 'a'));
    }
    TemporaryImage(const TemporaryImage&) = delete;
    TemporaryImage& operator=(const TemporaryImage&) = delete;
    ~TemporaryImage() { ::unlink(path_.c_str()); }

    FileDescriptor open(int flags) const { return FileDescriptor(::open(path_.c_str(), flags | O_CLOEXEC)); }

    void write(std::uint64_t offset, const std::string& bytes) const {
        if (::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) !=
            static_cast<ssize_t>(bytes.size()))
            throw std::runtime_error("cannot write the image");
    }

    std::string read(std::uint64_t offset, std::size_t length) const {
        std::string bytes(length, '\0');
        const auto count = ::pread(file_.get(), bytes.data(), length, static_cast<off_t>(offset));
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }

    void truncate(std::uint64_t size) const {
        if (::ftruncate(file_.get(), static_cast<off_t>(size)) < 0)
            throw std::runtime_error("cannot truncate the image");
    }

    std::uint64_t allocated_bytes() const {
        struct stat status {};
        ::fstat(file_.get(), &status);
        return static_cast<std::uint64_t>(status.st_blocks) * 512;
    }

  private:
    std::string path_;
    FileDescriptor file_;
};

}  // namespace nacre::block::fake
