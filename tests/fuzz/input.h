#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

namespace nacre::fuzz {

/// The fuzzer's bytes, taken from the front as numbers and strings. Past their end everything is zero or empty, so that a
/// target's loop ends with the input: `while (!input.empty())`.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

    bool empty() const { return left_.empty(); }

    /// A little-endian number or a plain structure.
    template <class T>
    T take() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        const auto bytes = take_bytes(sizeof value);
        if (!bytes.empty())
            std::memcpy(&value, bytes.data(), bytes.size());
        return value;
    }

    /// A number in [0, end), from one byte; `end` at most 256.
    unsigned below(unsigned end) { return take<std::uint8_t>() % end; }

    /// Up to `length` bytes, fewer at the end. They live as long as the fuzzer's.
    std::span<const std::byte> take_bytes(std::size_t length) {
        const auto taken = left_.first(std::min(length, left_.size()));
        left_ = left_.subspan(taken.size());
        return std::as_bytes(taken);
    }

    std::string take_text(std::size_t length) {
        const auto bytes = take_bytes(length);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    std::string rest() { return take_text(left_.size()); }

  private:
    std::span<const std::uint8_t> left_;
};

/// The oracle's way to say that something is wrong: the fuzzer keeps the input that led here.
inline void require(bool condition) {
    if (!condition)
        __builtin_trap();
}

}  // namespace nacre::fuzz
