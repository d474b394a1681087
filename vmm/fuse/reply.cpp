#include "vmm/fuse/reply.h"

#include <cstring>

#include "vmm/fuse/iovecs.h"
#include "vmm/fuse/protocol.h"

namespace nacre::fuse {

namespace {

constexpr std::size_t header_size = sizeof(fuse_out_header);

std::size_t body_capacity(std::size_t space_length) {
    return space_length < header_size ? 0 : space_length - header_size;
}

}  // namespace

Reply::Reply(std::span<const iovec> space, std::vector<std::byte>& scratch)
    : space_(space),
      scratch_(scratch),
      space_length_(total_length(space)),
      capacity_(body_capacity(space_length_)) {
    scratch_.resize(header_size);
}

std::size_t Reply::size() const {
    return scratch_.size() - header_size;
}

void Reply::shrink_to(std::size_t size) {
    scratch_.resize(header_size + size);
}

Outcome<> Reply::append_bytes(std::span<const std::byte> bytes) {
    if (bytes.size() > room())
        return refuse(ERANGE);
    scratch_.insert(scratch_.end(), bytes.begin(), bytes.end());
    return {};
}

Outcome<std::span<std::byte>> Reply::extend(std::size_t size) {
    if (size > room())
        return refuse(ERANGE);
    const std::size_t start = scratch_.size();
    scratch_.resize(start + size);
    return std::span(scratch_).subspan(start);
}

std::vector<iovec> Reply::payload_area(std::size_t length) const {
    return slice(space_, header_size, length);
}

std::size_t Reply::finish(std::uint64_t unique) {
    return write(unique, 0, scratch_.size() + payload_length_);
}

std::size_t Reply::finish_with_error(std::uint64_t unique, int code) {
    scratch_.resize(header_size);
    return write(unique, -code, header_size);
}

std::size_t Reply::write(std::uint64_t unique, int error, std::size_t length) {
    if (space_length_ < header_size)
        return 0;
    const fuse_out_header header{static_cast<std::uint32_t>(length), error, unique};
    std::memcpy(scratch_.data(), &header, header_size);
    scatter(scratch_, space_);
    return length;
}

}  // namespace nacre::fuse
