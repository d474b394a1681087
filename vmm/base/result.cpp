#include "vmm/base/result.h"

#include <cstring>

namespace nacre {

std::string errno_text(int code) {
    char buffer[128];
    return strerror_r(code, buffer, sizeof buffer);
}

tl::unexpected<Error> add_context(Error error, const std::string& context) {
    error.message = context + ": " + error.message;
    return tl::unexpected(std::move(error));
}

}  // namespace nacre
