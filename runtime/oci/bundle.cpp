#include "runtime/oci/bundle.h"

#include <sys/stat.h>

#include <climits>
#include <cstdlib>

#include "runtime/oci/parser.h"
#include "runtime/oci/schema.h"
#include "runtime/oci/validation.h"
#include "vmm/base/file.h"

namespace nacre::oci {

namespace {

Result<std::string> absolute_directory(const std::string& directory) {
    char resolved[PATH_MAX];
    if (::realpath(directory.c_str(), resolved) == nullptr)
        return fail_errno("bundle {}", directory);
    return std::string(resolved);
}

Result<std::string> read_config(const std::string& path) {
    auto text = read_file(path, max_config_bytes);
    if (!text && text.error().code == ENOENT)
        return fail("JSON specification file {} not found", path);
    return text;
}

Result<void> check_rootfs(const std::string& rootfs) {
    struct stat status {};
    if (::stat(rootfs.c_str(), &status) < 0 && errno == ENOENT)
        return fail("rootfs ({}) does not exist", rootfs);
    if (::stat(rootfs.c_str(), &status) < 0)
        return fail_errno("rootfs ({})", rootfs);
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return fail("rootfs ({}) is neither a directory nor an image file nor a block device", rootfs);
    return {};
}

/// Meaning before schema: its messages say more.
template <class T>
Result<void> check(const T& value, const std::string& text, Part part, const std::string& file) {
    if (auto valid = validate(value); !valid)
        return add_context(std::move(valid).error(), file);
    return check_schema(text, part, file);
}

}  // namespace

Result<Bundle> load_bundle(const std::string& directory, const std::string& config_file) {
    Bundle bundle;
    NACRE_ASSIGN(bundle.directory, absolute_directory(directory));
    const auto path = config_file.empty() ? bundle.directory + "/config.json" : config_file;
    const auto file = path.substr(path.rfind('/') + 1);
    NACRE_ASSIGN(bundle.config, read_config(path));
    NACRE_ASSIGN(bundle.spec, parse_config(bundle.config, file));
    NACRE_TRY(check(bundle.spec, bundle.config, Part::config, file));
    const auto& root = bundle.spec.root->path;
    bundle.rootfs = root.starts_with('/') ? root : bundle.directory + "/" + root;
    NACRE_TRY(check_rootfs(bundle.rootfs));
    return bundle;
}

Result<ProcessFile> load_process(const std::string& path) {
    ProcessFile file;
    NACRE_ASSIGN(file.text, read_config(path));
    NACRE_ASSIGN(file.process, parse_process(file.text, path));
    NACRE_TRY(check(file.process, file.text, Part::process, path));
    return file;
}

}  // namespace nacre::oci
