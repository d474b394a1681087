#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace nacre {

/// Why something failed: one line for the user, and the errno it came from (0 when there is none).
struct Error {
    std::string message;
    int code = 0;
};

/// A value, or the reason why there is none. The project throws no exceptions across a boundary.
template <class T = void>
using Result = tl::expected<T, Error>;

/// "what failed, on what" without an errno.
template <class... Args>
tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
    return tl::unexpected(Error{fmt::format(format, std::forward<Args>(args)...), 0});
}

/// The text of an errno, as strerror gives it; safe to call from any thread.
std::string errno_text(int code);

/// "what failed, on what: strerror(code)".
template <class... Args>
tl::unexpected<Error> fail_with(int code, fmt::format_string<Args...> format, Args&&... args) {
    auto what = fmt::format(format, std::forward<Args>(args)...);
    return tl::unexpected(Error{what + ": " + errno_text(code), code});
}

/// fail_with(errno, …); to be called before anything else can change errno.
template <class... Args>
tl::unexpected<Error> fail_errno(fmt::format_string<Args...> format, Args&&... args) {
    const int code = errno;
    return fail_with(code, format, std::forward<Args>(args)...);
}

/// The same error with what the caller was doing in front: "context: message".
tl::unexpected<Error> add_context(Error error, const std::string& context);

}  // namespace nacre

/// Leaves the calling function with the error of `expression` if it has one.
#define NACRE_TRY(expression)                                           \
    do {                                                                \
        auto nacre_try_result = (expression);                           \
        if (!nacre_try_result)                                          \
            return tl::unexpected(std::move(nacre_try_result).error()); \
    } while (false)

#define NACRE_CONCATENATE_(a, b) a##b
#define NACRE_CONCATENATE(a, b) NACRE_CONCATENATE_(a, b)

/// NACRE_ASSIGN(auto value, expression): declares `value` with the result, or leaves with the error.
#define NACRE_ASSIGN(declaration, expression)                                                 \
    auto NACRE_CONCATENATE(nacre_result_, __LINE__) = (expression);                           \
    if (!NACRE_CONCATENATE(nacre_result_, __LINE__))                                          \
        return tl::unexpected(std::move(NACRE_CONCATENATE(nacre_result_, __LINE__)).error()); \
    declaration = std::move(*NACRE_CONCATENATE(nacre_result_, __LINE__))
