#include "vmm/fuse/arguments.h"

#include <linux/limits.h>

#include <string_view>

namespace nacre::fuse {

Outcome<const char*> Arguments::take_string() {
    const auto* text = reinterpret_cast<const char*>(rest_.data());  // chars may alias any bytes
    const auto* end = static_cast<const char*>(rest_.empty() ? nullptr : std::memchr(text, 0, rest_.size()));
    if (end == nullptr)
        return refuse(EINVAL);
    rest_ = rest_.subspan(static_cast<std::size_t>(end - text) + 1);
    return text;
}

Outcome<const char*> Arguments::take_name() {
    NACRE_ASSIGN(const char* text, take_string());
    const std::string_view name(text);
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos)
        return refuse(EINVAL);
    if (name.size() > NAME_MAX)
        return refuse(ENAMETOOLONG);
    return text;
}

Outcome<std::span<const std::byte>> Arguments::take_bytes(std::size_t size) {
    if (rest_.size() < size)
        return refuse(EINVAL);
    const auto bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return bytes;
}

}  // namespace nacre::fuse
