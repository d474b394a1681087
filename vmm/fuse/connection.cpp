#include <algorithm>

#include "vmm/fuse/operations.h"

namespace nacre::fuse::operations {

namespace {

/// What this server can and wants, in fuse_init_in's flags; the guest has the last word. Left out on purpose:
/// - POSIX_LOCKS, FLOCK_LOCKS: locks are kept by the guest's kernel. One VM sees a container's files, so they
///   hold wherever they matter; locks on a volume shared with other VMs or the host stay within each VM.
/// - WRITEBACK_CACHE: what the guest writes is in the host's files at once.
/// - CREATE_SUPP_GROUP, SECURITY_CTX: files get their group and labels right without.
/// - EXPORT_SUPPORT: there is no lookup of "..".
constexpr std::uint64_t wanted_flags =
    FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA |
    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_POSIX_ACL |
    FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_SUBMOUNTS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT |
    FUSE_INIT_EXT | FUSE_DIRECT_IO_ALLOW_MMAP | FUSE_ALLOW_IDMAP;

/// Requests in the background (readahead, asynchronous direct I/O) before the guest's kernel holds more back.
constexpr std::uint16_t max_background = 128;
constexpr std::uint16_t congestion_threshold = 96;

fuse_init_out answer_to(const fuse_init_in& in) {
    const std::uint64_t offered = in.flags | (std::uint64_t{in.flags2} << 32);
    const std::uint64_t accepted = offered & wanted_flags;
    fuse_init_out out{};
    out.major = protocol_major;
    out.minor = std::min(in.minor, protocol_minor);
    out.max_readahead = in.max_readahead;
    out.flags = static_cast<std::uint32_t>(accepted);
    out.flags2 = static_cast<std::uint32_t>(accepted >> 32);
    out.max_background = max_background;
    out.congestion_threshold = congestion_threshold;
    out.max_write = max_payload;
    out.max_pages = max_payload_pages;
    out.time_gran = 1;
    return out;
}

}  // namespace

/// A newer major version gets ours in return and asks again (fuse_init_in in <linux/fuse.h>). A second INIT
/// is that of a guest that started anew.
Outcome<> init(Call& call) {
    struct Version {
        std::uint32_t major;
        std::uint32_t minor;
    };
    Arguments look_ahead = call.arguments;
    NACRE_ASSIGN(const auto version, look_ahead.take<Version>());
    if (version.major > protocol_major) {
        fuse_init_out out{};
        out.major = protocol_major;
        out.minor = protocol_minor;
        return call.reply.append(out);
    }
    if (version.major < protocol_major || version.minor < oldest_minor)
        return refuse(EPROTO);
    NACRE_ASSIGN(const auto in, call.arguments.take<fuse_init_in>());
    NACRE_TRY(call.reply.append(answer_to(in)));
    call.file_system.reset();
    call.file_system.set_initialized(true);
    return {};
}

Outcome<> destroy(Call& call) {
    call.file_system.reset();
    return {};
}

}  // namespace nacre::fuse::operations
