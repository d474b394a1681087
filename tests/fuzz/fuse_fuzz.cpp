// The file server, asked anything about a small tree with links that point out of it. Nothing beside the share may be read,
// changed or made.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/fuzz/input.h"
#include "tests/vmm/fuse/fake_client.h"

using namespace nacre;
using namespace nacre::fuse;
using namespace nacre::fuse::fake;

namespace {

constexpr unsigned max_requests = 64;

/// What lies beside the share: a file that nobody may see the content of, and a directory. The content is another in each run, so
/// that the fuzzer cannot learn to send it.
class Surroundings {
  public:
    explicit Surroundings(const TemporaryShare& share) : share_(share) {
        static std::uint64_t runs = 0;
        secret_ = fmt::format("canary {:x}", ++runs * 0x9e3779b97f4a7c15U);
        std::filesystem::create_directory(share.outside("directory"));
        std::ofstream(share.outside("directory/file")) << secret_;
        before_ = listing();
    }

    void check_untouched() const { fuzz::require(listing() == before_); }
    void check_unseen(const Answer& answer) const { fuzz::require(answer.body.find(secret_) == std::string::npos); }

  private:
    struct Entry {
        std::string content;
        mode_t mode;
        nlink_t links;
        uid_t owner;
        time_t changed;
        long changed_ns;
        bool operator==(const Entry&) const = default;
    };

    std::map<std::string, Entry> listing() const {
        std::map<std::string, Entry> entries;
        add(entries, share_.outside());
        add(entries, share_.outside("directory"));
        return entries;
    }

    void add(std::map<std::string, Entry>& entries, const std::string& directory) const {
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            const auto path = entry.path().string();
            struct stat status {};
            fuzz::require(::lstat(path.c_str(), &status) == 0);
            if (path == share_.inside())
                status = {};  // it may change, but must be there
            std::string content;
            if (S_ISREG(status.st_mode))
                std::getline(std::ifstream(path), content);
            entries[path] = {content,       status.st_mode,          status.st_nlink,
                             status.st_uid, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
        }
    }

    const TemporaryShare& share_;
    std::string secret_;
    std::map<std::string, Entry> before_;
};

void fill(const TemporaryShare& share) {
    share.write("file", "content");
    std::filesystem::create_directory(share.inside("directory"));
    share.write("directory/inner", "more content");
    std::filesystem::create_symlink("../directory", share.inside("relative"));
    std::filesystem::create_symlink(share.outside("directory/file"), share.inside("absolute"));
    std::filesystem::create_symlink("/proc/self/root", share.inside("magic"));
}

/// Bytes of the structure that a request begins with, in front of its names.
std::size_t structure_bytes(std::uint32_t opcode) {
    switch (opcode) {
        case FUSE_FORGET:
            return sizeof(fuse_forget_in);
        case FUSE_GETATTR:
            return sizeof(fuse_getattr_in);
        case FUSE_SETATTR:
            return sizeof(fuse_setattr_in);
        case FUSE_MKNOD:
            return sizeof(fuse_mknod_in);
        case FUSE_MKDIR:
            return sizeof(fuse_mkdir_in);
        case FUSE_RENAME:
            return sizeof(fuse_rename_in);
        case FUSE_RENAME2:
            return sizeof(fuse_rename2_in);
        case FUSE_LINK:
            return sizeof(fuse_link_in);
        case FUSE_OPEN:
        case FUSE_OPENDIR:
            return sizeof(fuse_open_in);
        case FUSE_READ:
        case FUSE_READDIR:
        case FUSE_READDIRPLUS:
            return sizeof(fuse_read_in);
        case FUSE_WRITE:
            return sizeof(fuse_write_in);
        case FUSE_RELEASE:
        case FUSE_RELEASEDIR:
            return sizeof(fuse_release_in);
        case FUSE_SETXATTR:
            return sizeof(fuse_setxattr_in);
        case FUSE_GETXATTR:
        case FUSE_LISTXATTR:
            return sizeof(fuse_getxattr_in);
        case FUSE_INIT:
            return sizeof(fuse_init_in);
        case FUSE_ACCESS:
            return sizeof(fuse_access_in);
        case FUSE_CREATE:
        case FUSE_TMPFILE:
            return sizeof(fuse_create_in);
        case FUSE_BATCH_FORGET:
            return sizeof(fuse_batch_forget_in);
        case FUSE_FALLOCATE:
            return sizeof(fuse_fallocate_in);
        case FUSE_LSEEK:
            return sizeof(fuse_lseek_in);
        case FUSE_COPY_FILE_RANGE:
            return sizeof(fuse_copy_file_range_in);
        case FUSE_STATX:
            return sizeof(fuse_statx_in);
        default:
            return 0;
    }
}

/// Where a request's structure names a file handle or a second node: at its beginning, as a rule.
void put_number(std::string& arguments, std::uint64_t number) {
    if (arguments.size() >= sizeof number)
        std::memcpy(arguments.data(), &number, sizeof number);
}

std::string take_name(fuzz::Input& input) {
    static constexpr std::string_view names[] = {"file",    "directory", "inner", "relative", "absolute",    "magic", "new",
                                                 "another", "..",        ".",     "",         "../canary", "a/b",   "user.x"};
    const auto choice = input.below(std::size(names) + 2);
    return choice < std::size(names) ? std::string(names[choice]) : input.take_text(input.below(24));
}

class Guest {
  public:
    Guest(const TemporaryShare& share, const Surroundings& surroundings) : client_(share), surroundings_(surroundings) {
        client_.initialize();
    }

    void request(fuzz::Input& input) {
        const auto form = input.take<std::uint8_t>();
        if (form == 0xff) {
            const auto bytes = input.take_text(input.take<std::uint8_t>());
            if (!syncs(bytes))
                surroundings_.check_unseen(client_.send(bytes, input.below(200), 1 + input.below(64)));
            return;
        }
        auto opcode = static_cast<std::uint32_t>(form % (FUSE_STATX + 1));
        if (opcode == FUSE_SYNCFS || opcode == FUSE_FSYNC || opcode == FUSE_FSYNCDIR)
            opcode = FUSE_LOOKUP;  // they would wait for the disk of the machine that fuzzes
        const auto shape = input.take<std::uint8_t>();
        const auto node = nodes_[input.below(256) % nodes_.size()];
        auto arguments = input.take_text(structure_bytes(opcode));
        arguments.resize(structure_bytes(opcode));
        const auto& numbers = opcode == FUSE_LINK || opcode == FUSE_RENAME || opcode == FUSE_RENAME2 ? nodes_ : handles_;
        if ((shape & 1) != 0)
            put_number(arguments, numbers[input.below(256) % numbers.size()]);
        for (unsigned i = 0; i < (shape / 2U) % 4; ++i)
            arguments += name_bytes(take_name(input));
        if ((shape & 8) != 0)
            arguments += input.take_text(input.take<std::uint8_t>());
        client_.user = (shape & 16) != 0 ? 1000 : getuid();
        note(opcode, client_.call(opcode, node, arguments, (shape & 32) != 0 ? input.below(200) : 8192));
    }

  private:
    static bool syncs(const std::string& request) {
        fuse_in_header header{};
        std::memcpy(&header, request.data(), std::min(sizeof header, request.size()));
        return header.opcode == FUSE_SYNCFS || header.opcode == FUSE_FSYNC || header.opcode == FUSE_FSYNCDIR;
    }

    // What the answer tells, so that later requests can be about it.
    void note(std::uint32_t opcode, const Answer& answer) {
        surroundings_.check_unseen(answer);
        if (answer.error != 0 || answer.body.empty())
            return;
        const bool makes_entry = opcode == FUSE_LOOKUP || opcode == FUSE_CREATE || opcode == FUSE_MKDIR || opcode == FUSE_MKNOD ||
                                 opcode == FUSE_SYMLINK || opcode == FUSE_LINK || opcode == FUSE_TMPFILE;
        if (makes_entry)
            nodes_.push_back(answer.as<fuse_entry_out>().nodeid);
        if (opcode == FUSE_OPEN || opcode == FUSE_OPENDIR)
            handles_.push_back(answer.as<fuse_open_out>().fh);
        if (opcode == FUSE_CREATE || opcode == FUSE_TMPFILE)
            handles_.push_back(answer.as<fuse_open_out>(sizeof(fuse_entry_out)).fh);
    }

    FakeClient client_;
    const Surroundings& surroundings_;
    std::vector<NodeId> nodes_{root_node, 0};
    std::vector<std::uint64_t> handles_{0};
};

/// A guest may make files as large as the file system lets it; that of the machine that fuzzes is to stay usable.
void limit_file_size() {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4U << 20, 4U << 20};
    fuzz::require(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const bool limited = (limit_file_size(), true);
    // The server moves the thread's working directory, to which the fuzzer's own paths may be relative.
    static const FileDescriptor directory(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const TemporaryShare share;
    fill(share);
    const Surroundings surroundings(share);
    {
        fuzz::Input input(data, size);
        Guest guest(share, surroundings);
        for (unsigned i = 0; i < max_requests && !input.empty(); ++i)
            guest.request(input);
    }
    surroundings.check_untouched();
    fuzz::require(::fchdir(directory.get()) == 0);
    return 0;
}
