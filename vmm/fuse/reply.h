#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// The answer to one request, written into the space that the guest gave: a fuse_out_header, then a body
/// that is either built with append() or read straight into payload_area(). Never longer than that space.
class Reply {
  public:
    /// `space` is where the reply goes; `scratch` is memory of the caller's, kept between requests.
    Reply(std::span<const iovec> space, std::vector<std::byte>& scratch);

    /// Bytes that the body may still grow by.
    std::size_t room() const { return capacity_ - size(); }

    /// Adds to the body; ERANGE if there is no room for all of it.
    Outcome<> append_bytes(std::span<const std::byte> bytes);
    template <class T>
    Outcome<> append(const T& object) {
        static_assert(std::is_trivially_copyable_v<T>);
        return append_bytes(std::as_bytes(std::span(&object, 1)));
    }

    /// Adds `size` zeroes to the body and gives them to be filled; valid until the next change.
    Outcome<std::span<std::byte>> extend(std::size_t size);

    /// Takes what extend() gave back, down to `size` bytes of body.
    void shrink_to(std::size_t size);
    std::size_t size() const;

    /// The first `length` bytes of the guest's space for the body, instead of append().
    std::vector<iovec> payload_area(std::size_t length) const;
    void set_payload_length(std::size_t length) { payload_length_ = length; }

    /// Writes header and body for the request numbered `unique`; returns the reply's bytes, 0 if not even a
    /// header fits.
    std::size_t finish(std::uint64_t unique);
    std::size_t finish_with_error(std::uint64_t unique, int code);

  private:
    std::size_t write(std::uint64_t unique, int error, std::size_t length);

    std::span<const iovec> space_;
    std::vector<std::byte>& scratch_;  // header and body
    std::size_t space_length_;
    std::size_t capacity_;
    std::size_t payload_length_ = 0;
};

}  // namespace nacre::fuse
