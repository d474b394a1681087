#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace nacre {

/// A fresh directory that goes away with its content.
class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        auto pattern =
            (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "nacre-test-XXXXXX")
                .string();
        if (::mkdtemp(pattern.data()) != nullptr)
            path_ = pattern;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty())
            std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace nacre
