#include "runtime/commands/user_name.h"

#include <fmt/format.h>

#include "vmm/base/file.h"

namespace nacre::commands {

std::optional<std::string> user_name(uid_t uid) {
    const auto passwd = read_file("/etc/passwd", 1024 * 1024).value_or("");
    const auto field = fmt::format(":{}:", uid);
    std::size_t start = 0;
    while (start < passwd.size()) {
        const auto line = std::string_view(passwd).substr(start, passwd.find('\n', start) - start);
        // name:password:uid:…
        const auto password = line.find(':');
        const auto number = password == std::string_view::npos ? password : line.find(':', password + 1);
        if (number != std::string_view::npos && line.substr(number).starts_with(field))
            return std::string(line.substr(0, password));
        start += line.size() + 1;
    }
    return std::nullopt;
}

}  // namespace nacre::commands
