#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nacre {

/// What a stranger wrote, fit to be shown to a user: at most `max_bytes` of it, with '?' for every byte of a control character
/// (C0, DEL, and C1 as UTF-8 has it). So it neither steers a terminal nor begins a line of its own. Other bytes, which
/// may be UTF-8, stay. Pure.
std::string printable(std::string_view text, std::size_t max_bytes);

}  // namespace nacre
