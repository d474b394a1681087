#include "runtime/container/share_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/container/volume_users.h"
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

constexpr std::string_view read_only_mark = ".ro";

/// "volumes/<key>/<name>". What maps ids is each container's own.
Result<std::string> volume_of(const std::string& source, const TreeOptions& options) {
    struct statx status {};
    if (::statx(AT_FDCWD, source.c_str(), 0, STATX_INO | STATX_MNT_ID, &status) < 0)
        return fail_errno("stat {}", source);
    return fmt::format("{}/{}.{}.{}.{}{}{}{}/{}", volumes_name, status.stx_mnt_id, status.stx_dev_major,
                       status.stx_dev_minor, status.stx_ino, options.recursive ? "" : ".bind",
                       options.follow ? ".follow" : "",
                       options.read_only_below ? ".rro" : options.read_only ? read_only_mark : "",
                       name_of_source(source));
}

Result<std::string> target_of(const std::string& container_id, std::size_t index, const std::string& source,
                              const TreeOptions& options, bool pod) {
    if (pod && !options.ids)
        return volume_of(source, options);
    return fmt::format("{}/mounts/{}/{}", container_id, index, name_of_source(source));
}

Result<void> share_overlay(const std::string& container_id, std::uint32_t index, const oci::Mount& mount,
                           const oci::Linux& linux_config, SharePlan& plan) {
    auto options = tree_options(mount);
    options.ids = mount_ids(mount, linux_config);
    auto target = fmt::format("{}/mounts/{}/overlay", container_id, index);
    auto tree = overlay_tree(mount.options, target, options);
    if (!tree)
        return add_context(std::move(tree).error(), fmt::format("config.json: /mounts/{}", index));
    plan.trees.push_back(std::move(*tree));
    plan.mounts.push_back({index, std::move(target), {}});
    return {};
}

bool is_volume(const std::string& target) {
    return target.starts_with(std::string(volumes_name) + "/");
}

/// The same volume, for writing too; empty if it is that already.
std::string writable(const std::string& volume) {
    const auto mark = volume.rfind(std::string(read_only_mark) + "/");
    return mark == std::string::npos ? "" : std::string(volume).erase(mark, read_only_mark.size());
}

void rename_in(SharePlan& plan, const std::string& from, const std::string& to) {
    for (auto& mount : plan.mounts) {
        if (mount.path == from)
            mount.path = to;
    }
}

}  // namespace

bool is_bind_mount(const oci::Mount& mount) {
    return mount.type == "bind" || has_any_option(mount, {"bind", "rbind"});
}

bool is_overlay(const oci::Mount& mount) {
    return mount.type == "overlay" && !is_bind_mount(mount);
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
                             const oci::Spec& spec, bool pod) {
    SharePlan plan;
    const auto host_rootfs = path_in_bundle(bundle, spec.root->path);
    NACRE_TRY(share_rootfs(host_rootfs, container_id + "/rootfs", plan));
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const auto& mount = spec.mounts[i];
        if (is_overlay(mount))
            NACRE_TRY(share_overlay(container_id, static_cast<std::uint32_t>(i), mount, spec.linux, plan));
        if (!is_bind_mount(mount))
            continue;
        const auto source = path_in_bundle(bundle, mount.source);
        auto options = tree_options(mount);
        options.ids = mount_ids(mount, spec.linux);
        // Mounts before it may lie there in the container: the agent finds it. What maps ids is mapped on the
        // host.
        if (!options.ids && oci::path_inside(host_rootfs, mount.source))
            continue;
        const auto place = fmt::format("config.json: /mounts/{}/source", i);
        auto target = target_of(container_id, i, source, options, pod);
        if (!target)
            return add_context(std::move(target).error(), place);
        auto tree = clone_tree(source, *target, options);
        if (!tree)
            return add_context(std::move(tree).error(), place);
        plan.trees.push_back(std::move(*tree));
        plan.mounts.push_back(
            {static_cast<std::uint32_t>(i), std::move(*target), mounts_to_keep(source, options)});
    }
    return plan;
}

Result<void> use_volumes(const std::string& id, SharePlan& plan, const VolumeUsers& users) {
    std::vector<ShareMount> missing;
    for (auto& tree : plan.trees) {
        if (!is_volume(tree.target)) {
            missing.push_back(std::move(tree));
            continue;
        }
        auto volume = tree.target;
        if (const auto other = writable(volume); !other.empty() && users.has_any(other))
            volume = other;
        rename_in(plan, tree.target, volume);
        if (!users.has_any(volume))
            missing.push_back(std::move(tree));
        NACRE_TRY(users.add(volume, id));
    }
    plan.trees = std::move(missing);
    return {};
}

}  // namespace nacre::runtime
