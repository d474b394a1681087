#include "runtime/container/resources.h"

#include <fcntl.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "runtime/container/saved_config.h"
#include "runtime/oci/bundle.h"
#include "runtime/oci/json_reader.h"
#include "runtime/oci/unified_limits.h"
#include "vmm/base/file.h"

namespace nacre::runtime {

namespace {

using Json = rapidjson::Value;
using Allocator = rapidjson::Document::AllocatorType;

std::string path_in(const ContainerDirectory& directory) {
    return directory.path() + "/resources.json";
}

/// One level for each member that both have: resources have four.
void merge(Json& target, const Json& change, Allocator& allocator, int depth = 0) {
    constexpr int deepest = 8;
    for (const auto& member : change.GetObject()) {
        // Not by FindMember(): clang finds its iterators' == ambiguous in C++20.
        const bool known = target.HasMember(member.name);
        if (member.value.IsNull())
            continue;
        if (!known)
            target.AddMember(Json(member.name, allocator), Json(member.value, allocator), allocator);
        else if (target[member.name].IsObject() && member.value.IsObject() && depth < deepest)
            merge(target[member.name], member.value, allocator, depth + 1);
        else
            target[member.name].CopyFrom(member.value, allocator);
    }
}

/// A file of the unified map, and the member that sets it as well.
struct SameLimit {
    const char* file;
    const char* object;
    const char* member;
    bool zero_is_given = false;  // elsewhere callers written in Go send 0 for "not given"
};

constexpr std::array<SameLimit, 14> same_limits{{
    {"memory.max", "memory", "limit"},
    {"memory.low", "memory", "reservation"},
    {"memory.swap.max", "memory", "swap"},
    {"cpu.max", "cpu", "quota"},
    {"cpu.max", "cpu", "period"},
    {"cpu.max.burst", "cpu", "burst", true},
    {"cpu.weight", "cpu", "shares"},
    {"cpu.weight.nice", "cpu", "shares"},
    {"cpu.idle", "cpu", "idle", true},
    {"cpuset.cpus", "cpu", "cpus"},
    {"cpuset.mems", "cpu", "mems"},
    {"pids.max", "pids", "limit"},
    {"io.weight", "blockIO", "weight"},
    {"io.bfq.weight", "blockIO", "weight"},
}};

/// The member of an object, which may be of any type; null if there is none.
Json* member_of(Json& object, const char* name) {
    return object.IsObject() && object.HasMember(name) ? &object[name] : nullptr;
}

bool is_given(const Json* value, bool zero_is_given) {
    if (value == nullptr || value->IsNull())
        return false;
    if (value->IsString())
        return value->GetStringLength() > 0;
    return zero_is_given || !value->IsNumber() || value->GetDouble() != 0;
}

bool gives(Json& change, const char* object, const char* member, bool zero_is_given = false) {
    auto* const holder = member_of(change, object);
    return holder != nullptr && is_given(member_of(*holder, member), zero_is_given);
}

/// The unified map counts more than other members, but not what it said before this change.
void drop_outdated_files(Json& target, Json& change) {
    auto* const unified = member_of(target, "unified");
    if (unified == nullptr || !unified->IsObject())
        return;
    for (const auto& same : same_limits)
        if (gives(change, same.object, same.member, same.zero_is_given))
            unified->RemoveMember(same.file);
}

/// A member of "memory" that is a number and not 0, or nothing.
std::optional<std::int64_t> bytes_of(Json& resources, const char* member) {
    auto* const memory = member_of(resources, "memory");
    const auto* const value = memory == nullptr ? nullptr : member_of(*memory, member);
    if (value == nullptr || !value->IsInt64() || value->GetInt64() == 0)
        return {};
    return value->GetInt64();
}

/// The combined limit with which a new limit of memory leaves the guest's memory.swap.max, which is of swap
/// alone, as it is. None for an unlimited one, as with runc, and nothing where there was no limit of swap.
std::optional<std::int64_t> same_swap(Json& present, std::int64_t limit) {
    if (limit < 0)
        return -1;
    const auto old_limit = bytes_of(present, "limit").value_or(0);
    const auto old_swap = bytes_of(present, "swap").value_or(0);
    std::int64_t combined = 0;
    if (old_limit <= 0 || old_swap < old_limit ||
        __builtin_add_overflow(limit, old_swap - old_limit, &combined))
        return {};
    return combined;
}

/// As runc: a change of memory alone is none of swap. OCI's limit of swap includes memory's, so it moves
/// along.
void keep_swap(Json& present, Json& change, Allocator& allocator) {
    const auto limit = bytes_of(change, "limit");
    if (!limit || gives(change, "memory", "swap"))
        return;
    auto& memory = change["memory"];
    memory.RemoveMember("swap");
    if (const auto swap = same_swap(present, *limit))
        memory.AddMember("swap", *swap, allocator);
}

Result<void> parse_object(const std::string& text, rapidjson::Document& document) {
    NACRE_TRY(oci::parse_json(text, "resources", document));
    if (!document.IsObject())
        return fail("resources: must be an object");
    return {};
}

std::string text_of(const Json& json) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    json.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

Result<std::string> configured_resources(const ContainerDirectory& directory) {
    NACRE_ASSIGN(const auto text, load_saved_config_text(directory));
    rapidjson::Document document;
    NACRE_TRY(oci::parse_json(text, "config.json", document));
    const auto* linux = document.IsObject() && document.HasMember("linux") ? &document["linux"] : nullptr;
    if (linux == nullptr || !linux->IsObject() || !linux->HasMember("resources"))
        return std::string("{}");
    return text_of((*linux)["resources"]);
}

std::int64_t memory_limit(const oci::Resources& resources) {
    return resources.memory ? resources.memory->limit.value_or(0) : 0;
}

/// Of a VM whose RAM the configuration has fixed.
Result<void> check_memory(std::int64_t wanted, std::int64_t present, const VmSize& size) {
    const auto most = size.memory_bytes - std::min(size.memory_bytes, guest_overhead(size.memory_bytes));
    if (wanted <= 0 || wanted == present || static_cast<std::uint64_t>(wanted) <= most)
        return {};
    return fail(
        "memory limit {}: the container's VM has {} bytes of RAM by vm.hwConfig, enough for a limit of {}",
        wanted, size.memory_bytes, most);
}

/// Of a VM whose CPUs the configuration has fixed.
Result<void> check_cpus(const oci::CpuResources& wanted, const oci::CpuResources& present,
                        const VmSize& size) {
    constexpr std::uint64_t default_period = 100'000;
    const auto quota = wanted.quota.value_or(-1);
    const auto period = wanted.period.value_or(0) == 0 ? default_period : *wanted.period;
    const bool same = wanted.quota == present.quota && wanted.period == present.period;
    // Divided, not multiplied: the period may be any number.
    if (quota <= 0 || same || static_cast<std::uint64_t>(quota) / size.vcpus <= period)
        return {};
    return fail("CPU quota {} in {} microseconds: the container's VM has {} CPU(s) by vm.hwConfig", quota,
                period, size.vcpus);
}

}  // namespace

Result<std::string> merge_resources(const std::string& current, const std::string& change) {
    rapidjson::Document target;
    NACRE_TRY(parse_object(current, target));
    rapidjson::Document changes;
    NACRE_TRY(parse_object(change, changes));
    changes.RemoveMember("devices");
    keep_swap(target, changes, changes.GetAllocator());
    drop_outdated_files(target, changes);
    merge(target, changes, target.GetAllocator());
    return text_of(target);
}

Result<std::string> load_resources(const ContainerDirectory& directory) {
    auto text = read_file(path_in(directory), oci::max_config_bytes);
    if (!text && text.error().code == ENOENT)
        return configured_resources(directory);
    return text;
}

Result<void> save_resources(const ContainerDirectory& directory, const std::string& resources) {
    NACRE_ASSIGN(const auto file,
                 open_file(path_in(directory), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    return write_all(file.get(), resources);
}

Result<void> check_fits(const oci::Resources& wanted, const oci::Resources& present,
                        const oci::VmHardware& hardware, const VmSize& size) {
    const auto new_limits = oci::with_unified_limits(wanted);
    const auto old_limits = oci::with_unified_limits(present);
    if (hardware.memory)
        NACRE_TRY(check_memory(memory_limit(new_limits), memory_limit(old_limits), size));
    if (!hardware.vcpus)
        return {};
    return check_cpus(new_limits.cpu.value_or(oci::CpuResources{}),
                      old_limits.cpu.value_or(oci::CpuResources{}), size);
}

}  // namespace nacre::runtime
