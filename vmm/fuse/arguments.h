#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

#include "vmm/fuse/outcome.h"

namespace nacre::fuse {

/// What follows a request's header, read from front to back. The bytes are the server's own copy, so they do
/// not change while they are looked at; their content is untrusted.
class Arguments {
  public:
    explicit Arguments(std::span<const std::byte> bytes) : rest_(bytes) {}

    /// The next structure; EINVAL if the request is too short.
    template <class T>
    Outcome<T> take() {
        static_assert(std::is_trivially_copyable_v<T>);
        if (rest_.size() < sizeof(T))
            return refuse(EINVAL);
        T object;
        std::memcpy(&object, rest_.data(), sizeof(T));
        rest_ = rest_.subspan(sizeof(T));
        return object;
    }

    /// The next NUL-terminated string, valid as long as the request; EINVAL without a NUL.
    Outcome<const char*> take_string();

    /// take_string() that must be the name of one directory entry: not "", ".", "..", no '/' (EINVAL), at
    /// most 255 bytes (ENAMETOOLONG).
    Outcome<const char*> take_name();

    /// The next `size` bytes; EINVAL if there are fewer.
    Outcome<std::span<const std::byte>> take_bytes(std::size_t size);

  private:
    std::span<const std::byte> rest_;
};

}  // namespace nacre::fuse
