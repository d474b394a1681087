#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace nacre::test {

/// A directory of the test's own, removed with all that is in it.
class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = "/tmp/nacre-agent-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string path(const std::string& name = "") const { return name.empty() ? path_ : path_ + "/" + name; }

    void write(const std::string& name, const std::string& text = "", bool executable = false) const {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name)) << text;
        std::filesystem::permissions(path(name), std::filesystem::perms(executable ? 0755 : 0644));
    }
    void make_directory(const std::string& name) const { std::filesystem::create_directories(path(name)); }
    void link(const std::string& target, const std::string& name) const {
        std::filesystem::create_symlink(target, path(name));
    }

  private:
    std::string path_;
};

}  // namespace nacre::test
