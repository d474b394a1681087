#include "runtime/container/share_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/oci/path_inside.h"
#include "runtime/vm/mounts_below.h"

namespace nacre::runtime {

namespace {

bool has_any_option(const oci::Mount& mount, std::initializer_list<std::string_view> names) {
    return std::ranges::any_of(mount.options, [&](const std::string& option) {
        return std::ranges::find(names, std::string_view(option)) != names.end();
    });
}

/// Writable at first even if the configuration says read-only: the agent makes missing mount points in it.
/// What is no directory goes in as a disk.
Result<void> share_rootfs(const std::string& source, const std::string& target, SharePlan& plan) {
    auto tree = clone_tree(source, target, {});
    if (!tree)
        return add_context(std::move(tree).error(), "config.json: /root/path");
    if (!tree->directory)
        return {};
    plan.rootfs = target;
    plan.trees.push_back(std::move(*tree));
    return {};
}

/// The name that the source has on the host, so that the container's mount table tells what was mounted.
std::string name_of_source(const std::string& source) {
    const auto end = source.find_last_not_of('/');
    const auto path = source.substr(0, end + 1);
    const auto name = path.substr(path.rfind('/') + 1);
    return name.empty() || name == "." || name == ".." ? "source" : name;
}

/// Those below a read-only mount that stay what they are on the host: "ro" is for the topmost one alone,
/// "rro" for all.
std::vector<std::string> mounts_to_keep(const std::string& source, const TreeOptions& options) {
    const bool differ = options.recursive && options.read_only && !options.read_only_below;
    return differ ? mounts_below(source) : std::vector<std::string>();
}

}  // namespace

bool is_bind_mount(const oci::Mount& mount) {
    return mount.type == "bind" || has_any_option(mount, {"bind", "rbind"});
}

TreeOptions tree_options(const oci::Mount& mount) {
    TreeOptions options;
    options.read_only = has_any_option(mount, {"ro", "rro"});
    options.read_only_below = has_any_option(mount, {"rro"});
    options.recursive = !has_any_option(mount, {"bind"}) || has_any_option(mount, {"rbind"});
    options.follow = has_any_option(mount, {"slave", "rslave", "shared", "rshared"});
    return options;
}

std::optional<MountIds> mount_ids(const oci::Mount& mount, const oci::Linux& linux_config) {
    const bool below = has_any_option(mount, {"ridmap"});
    if (!mount.uid_mappings.empty())
        return MountIds{mount.uid_mappings, mount.gid_mappings, below};
    if (below || has_any_option(mount, {"idmap"}))
        return MountIds{linux_config.uid_mappings, linux_config.gid_mappings, below};
    return std::nullopt;
}

std::string path_in_bundle(const std::string& bundle, const std::string& path) {
    return path.starts_with('/') ? path : bundle + "/" + path;
}

Result<SharePlan> plan_share(const std::string& container_id, const std::string& bundle,
                             const oci::Spec& spec) {
    SharePlan plan;
    const auto host_rootfs = path_in_bundle(bundle, spec.root->path);
    NACRE_TRY(share_rootfs(host_rootfs, container_id + "/rootfs", plan));
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        if (!is_bind_mount(mount))
            continue;
        const auto source = path_in_bundle(bundle, mount.source);
        auto options = tree_options(mount);
        options.ids = mount_ids(mount, spec.linux);
        // Mounts before it may lie there in the container: the agent finds it. What maps ids is mapped on the
        // host.
        if (!options.ids && oci::path_inside(host_rootfs, mount.source))
            continue;
        auto target = fmt::format("{}/mounts/{}/{}", container_id, i, name_of_source(mount.source));
        auto tree = clone_tree(source, target, options);
        if (!tree)
            return add_context(std::move(tree).error(), fmt::format("config.json: /mounts/{}/source", i));
        plan.trees.push_back(std::move(*tree));
        plan.mounts.push_back(
            {static_cast<std::uint32_t>(i), std::move(target), mounts_to_keep(source, options)});
    }
    return plan;
}

}  // namespace nacre::runtime
