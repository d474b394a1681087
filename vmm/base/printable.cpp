#include "vmm/base/printable.h"

namespace nacre {

namespace {

constexpr unsigned char first_printable = ' ';
constexpr unsigned char del = 0x7f;
// U+0080 to U+009F are C2 80 to C2 9F in UTF-8; terminals take U+009B for "ESC [".
constexpr unsigned char lead_of_c1 = 0xc2;
constexpr unsigned char last_c1 = 0x9f;

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
    std::string line(text.substr(0, max_bytes));
    unsigned char previous = 0;
    for (auto& character : line) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte < first_printable || byte == del || (previous == lead_of_c1 && byte <= last_c1))
            character = '?';
        previous = byte;
    }
    return line;
}

}  // namespace nacre
