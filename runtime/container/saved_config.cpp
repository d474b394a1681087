#include "runtime/container/saved_config.h"

#include <fcntl.h>

#include "runtime/oci/bundle.h"
#include "runtime/oci/parser.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

std::string path_in(const ContainerDirectory& directory) {
    return directory.path() + "/config.json";
}

}  // namespace

Result<void> save_config(const ContainerDirectory& directory, const std::string& text) {
    NACRE_ASSIGN(const auto file,
                 open_file(path_in(directory), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    return write_all(file.get(), text);
}

Result<std::string> load_saved_config_text(const ContainerDirectory& directory) {
    return read_file(path_in(directory), oci::max_config_bytes);
}

Result<oci::Spec> load_saved_config(const ContainerDirectory& directory) {
    NACRE_ASSIGN(const auto text, load_saved_config_text(directory));
    return oci::parse_config(text, path_in(directory));
}

}  // namespace nacre::runtime
