#pragma once

#include <string>
#include <vector>

namespace nacre::commands {

/// Rows of cells as aligned text, as runc's tables are: each column as wide as its widest cell and three
/// more, at least 12; the last one is not padded.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace nacre::commands
