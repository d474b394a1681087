#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// Messages of netlink(7) as bytes, put together and taken apart. Pure: no socket is needed. (libmnl would
/// do, but Debian has it as a shared library only, and nacre's programs are static.)
namespace nacre::netlink {

using Bytes = std::span<const std::byte>;

/// The bytes of a plain structure of the kernel's interface.
template <class T>
Bytes bytes_of(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return std::as_bytes(std::span(&value, 1));
}

/// A request: header, the family's own header, attributes. What does not fit (an attribute has 16 bits for
/// its length) makes it invalid; a socket refuses to send that.
class Request {
  public:
    /// `type`: RTM_…; `flags`: NLM_F_… beside NLM_F_REQUEST; `header`: ifinfomsg, rtmsg, … `what` is for
    /// errors: "add route 10.0.0.0/8".
    template <class Header>
    Request(std::uint16_t type, std::uint16_t flags, const Header& header, std::string what)
        : Request(type, flags, bytes_of(header), std::move(what)) {}

    Request& add(std::uint16_t type, Bytes payload);
    template <class T>
    requires std::is_arithmetic_v<T> Request& add(std::uint16_t type, T value) {
        return add(type, bytes_of(value));
    }
    Request& add_text(std::uint16_t type, const std::string& text);  // with its NUL

    /// An attribute that is made of attributes: those added between the two calls.
    std::size_t begin(std::uint16_t type);
    void end(std::size_t begun);

    /// The errno that is as good as success.
    Request& tolerate(int code) {
        tolerated_ = code;
        return *this;
    }

    Bytes bytes() const { return bytes_; }
    bool is_valid() const { return valid_; }
    int tolerated() const { return tolerated_; }
    const std::string& what() const { return what_; }

  private:
    Request(std::uint16_t type, std::uint16_t flags, Bytes header, std::string what);
    void append(Bytes payload);
    void set_length();

    std::vector<std::byte> bytes_;
    std::string what_;
    int tolerated_ = 0;
    bool valid_ = true;
};

/// One message as it was received. The spans are into the buffer that it was taken from.
struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    Bytes payload;
};

/// Takes the first message from `buffer`; none when nothing whole is left.
std::optional<Message> take_message(Bytes& buffer);

/// Takes the structure at the beginning of `payload`; none if it is shorter.
template <class T>
std::optional<T> take_header(Bytes& payload) {
    static_assert(std::is_trivially_copyable_v<T>);
    constexpr std::size_t aligned = (sizeof(T) + 3) & ~std::size_t{3};
    if (payload.size() < sizeof(T))
        return std::nullopt;
    T header;
    std::memcpy(&header, payload.data(), sizeof(T));
    payload = payload.subspan(payload.size() < aligned ? payload.size() : aligned);
    return header;
}

/// The attributes in a span, up to the first that is cut short.
class Attributes {
  public:
    explicit Attributes(Bytes bytes) : bytes_(bytes) {}

    /// The payload of the first attribute of that type; none without one.
    std::optional<Bytes> find(std::uint16_t type) const;

    /// The same as a number; none if it is too short for one.
    template <class T>
    std::optional<T> number(std::uint16_t type) const {
        auto payload = find(type).value_or(Bytes());
        return take_header<T>(payload);
    }

    /// The same as text, up to its NUL; empty without one.
    std::string text(std::uint16_t type) const;

    /// The attributes within the attribute.
    Attributes nested(std::uint16_t type) const { return Attributes(find(type).value_or(Bytes())); }

  private:
    Bytes bytes_;
};

}  // namespace nacre::netlink
