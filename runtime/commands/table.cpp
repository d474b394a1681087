#include "runtime/commands/table.h"

#include <algorithm>

namespace nacre::commands {

namespace {

constexpr std::size_t minimum_width = 12;
constexpr std::size_t padding = 3;

std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()), minimum_width);
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size() + padding);
    }
    return widths;
}

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
    const auto widths = column_widths(rows);
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i];
            if (i + 1 < row.size())
                text.append(widths[i] - row[i].size(), ' ');
        }
        text += '\n';
    }
    return text;
}

}  // namespace nacre::commands
