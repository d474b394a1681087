#include "vmm/base/netlink_message.h"

#include <linux/netlink.h>

#include <algorithm>
#include <limits>

namespace nacre::netlink {

namespace {

constexpr std::size_t align(std::size_t length) {
    return (length + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

Bytes rest(Bytes bytes, std::size_t length) {
    return bytes.subspan(std::min(align(length), bytes.size()));
}

}  // namespace

Request::Request(std::uint16_t type, std::uint16_t flags, Bytes header, std::string what)
    : what_(std::move(what)) {
    nlmsghdr message{};
    message.nlmsg_type = type;
    message.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
    append(bytes_of(message));
    append(header);
    set_length();
}

void Request::append(Bytes payload) {
    bytes_.insert(bytes_.end(), payload.begin(), payload.end());
    bytes_.resize(align(bytes_.size()));
}

void Request::set_length() {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof(length));
}

Request& Request::add(std::uint16_t type, Bytes payload) {
    const auto length = payload.size() + sizeof(nlattr);
    if (length > std::numeric_limits<std::uint16_t>::max()) {
        valid_ = false;
        return *this;
    }
    append(bytes_of(nlattr{static_cast<std::uint16_t>(length), type}));
    append(payload);
    set_length();
    return *this;
}

Request& Request::add_text(std::uint16_t type, const std::string& text) {
    return add(type, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

std::size_t Request::begin(std::uint16_t type) {
    const auto begun = bytes_.size();
    add(type, Bytes());
    return begun;
}

void Request::end(std::size_t begun) {
    const auto length = bytes_.size() - begun;
    if (length > std::numeric_limits<std::uint16_t>::max()) {
        valid_ = false;
        return;
    }
    const auto field = static_cast<std::uint16_t>(length);
    std::memcpy(bytes_.data() + begun + offsetof(nlattr, nla_len), &field, sizeof(field));
}

std::optional<Message> take_message(Bytes& buffer) {
    auto payload = buffer;
    const auto header = take_header<nlmsghdr>(payload);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > buffer.size())
        return std::nullopt;
    buffer = rest(buffer, header->nlmsg_len);
    return Message{header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq,
                   payload.first(header->nlmsg_len - sizeof(nlmsghdr))};
}

std::optional<Bytes> Attributes::find(std::uint16_t type) const {
    for (auto left = bytes_;;) {
        auto payload = left;
        const auto header = take_header<nlattr>(payload);
        if (!header || header->nla_len < sizeof(nlattr) || header->nla_len > left.size())
            return std::nullopt;
        if ((header->nla_type & NLA_TYPE_MASK) == type)
            return payload.first(header->nla_len - sizeof(nlattr));
        left = rest(left, header->nla_len);
    }
}

std::string Attributes::text(std::uint16_t type) const {
    const auto payload = find(type).value_or(Bytes());
    std::string text(payload.size(), '\0');
    if (!payload.empty())
        std::memcpy(text.data(), payload.data(), payload.size());
    return text.substr(0, text.find('\0'));
}

}  // namespace nacre::netlink
