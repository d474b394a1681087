#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/base/result.h"

namespace nacre::arch {

/// The bytes of a kernel or initramfs. Loaders read through it, so that tests and fuzzers need no file.
class ImageSource {
  public:
    virtual ~ImageSource() = default;

    virtual std::uint64_t size() const = 0;

    /// Fills `target` with the bytes from `offset`; an error if the image ends before.
    virtual Result<void> read(std::uint64_t offset, std::span<std::byte> target) const = 0;

    /// As read(), into guest RAM: an implementation may map the bytes there instead of copying them. `target`
    /// keeps its contents outside of what is read.
    virtual Result<void> place(std::uint64_t offset, std::span<std::byte> target) const {
        return read(offset, target);
    }
};

/// An image in memory.
class BytesSource : public ImageSource {
  public:
    /// `bytes` must outlive the source.
    explicit BytesSource(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::uint64_t size() const override { return bytes_.size(); }
    Result<void> read(std::uint64_t offset, std::span<std::byte> target) const override;

  private:
    std::span<const std::byte> bytes_;
};

/// An image in a regular file. place() maps whole pages copy-on-write where file offset and memory address
/// agree modulo the page size: nothing is copied, and VMs share the page cache. The file must not be
/// truncated while the VM runs (the guest would die of it, as the memory behind is gone).
class FileSource : public ImageSource {
  public:
    /// `fd` stays the caller's and must outlive the source, but not what it placed. `what` names it in
    /// errors.
    static Result<FileSource> open(int fd, const char* what);

    std::uint64_t size() const override { return size_; }
    Result<void> read(std::uint64_t offset, std::span<std::byte> target) const override;
    Result<void> place(std::uint64_t offset, std::span<std::byte> target) const override;

  private:
    FileSource(int fd, std::uint64_t size, const char* what) : fd_(fd), size_(size), what_(what) {}
    Result<void> map(std::uint64_t offset, std::span<std::byte> target) const;

    int fd_;
    std::uint64_t size_;
    const char* what_;
};

}  // namespace nacre::arch
