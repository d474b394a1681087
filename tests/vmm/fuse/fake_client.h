#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/fuse/worker.h"

/// The guest's side of the file server, for tests: a temporary directory, a server for it, and requests.
namespace nacre::fuse::fake {

/// A directory that is removed with all in it. `path` / "share" is what the server shares; what is beside it
/// must never change.
class TemporaryShare {
  public:
    TemporaryShare();
    TemporaryShare(const TemporaryShare&) = delete;
    TemporaryShare& operator=(const TemporaryShare&) = delete;
    ~TemporaryShare();

    /// The host's path of a file in the share, resp. beside it.
    std::string inside(std::string_view name = "") const;
    std::string outside(std::string_view name = "") const;

    void write(std::string_view name, std::string_view content) const;
    std::string read(std::string_view name) const;

  private:
    std::string path_;
};

/// The bytes of a structure of the protocol.
template <class T>
std::string bytes_of(const T& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    return {reinterpret_cast<const char*>(&object), sizeof object};
}

/// A name as requests carry it: with its NUL.
inline std::string name_bytes(std::string_view name) {
    return std::string(name) + '\0';
}

struct Answer {
    std::size_t length = 0;  // as handle() returned it
    int error = 0;           // positive errno, 0 for success
    std::uint64_t unique = 0;
    std::string body;

    template <class T>
    T as(std::size_t offset = 0) const {
        T object{};
        if (body.size() >= offset + sizeof object)
            std::memcpy(&object, body.data() + offset, sizeof object);
        return object;
    }
};

/// As FileSystem wants them.
FileDescriptor own_descriptors();

/// Speaks to one Worker on the thread it was made on; requests are of the test's own user unless told
/// otherwise.
class FakeClient {
  public:
    explicit FakeClient(const TemporaryShare& share, Options options = {});

    /// The same server, as another thread of the test sees it.
    explicit FakeClient(FileSystem& file_system);

    FakeClient(const FakeClient&) = delete;
    FakeClient& operator=(const FakeClient&) = delete;
    ~FakeClient();  // the thread gets an ordinary umask back

    /// INIT with everything Linux 6.12 offers.
    Answer initialize();

    /// A proper request; `reply_space` bytes are there for the answer.
    Answer call(std::uint32_t opcode, NodeId node, std::string_view arguments,
                std::size_t reply_space = 1 << 16);

    /// Any bytes at all, in pieces of `piece` bytes.
    Answer send(std::string_view request, std::size_t reply_space, std::size_t piece = 1 << 20);

    std::string header(std::uint32_t opcode, NodeId node, std::size_t arguments_length) const;

    // Shorthands. Where a node or handle is returned, 0 stands for failure.
    Answer lookup(NodeId parent, std::string_view name);
    NodeId node(NodeId parent, std::string_view name) {
        return lookup(parent, name).as<fuse_entry_out>().nodeid;
    }
    /// Along a path of several components.
    NodeId walk(std::string_view path);
    Answer open(NodeId node, std::uint32_t flags, std::uint32_t open_flags = 0);
    std::uint64_t handle(NodeId node, std::uint32_t flags) {
        return open(node, flags).as<fuse_open_out>().fh;
    }
    Answer read(std::uint64_t handle, std::uint64_t offset, std::uint32_t size);
    Answer write(std::uint64_t handle, std::uint64_t offset, std::string_view data, std::uint32_t flags = 0,
                 std::uint32_t write_flags = 0);
    Answer getattr(NodeId node);
    Answer setattr(NodeId node, const fuse_setattr_in& in);
    Answer forget(NodeId node, std::uint64_t count);

    FileSystem& file_system() { return *file_system_; }

    std::uint32_t user;
    std::uint32_t group;

  private:
    std::unique_ptr<FileSystem> owned_;
    FileSystem* file_system_;
    std::unique_ptr<Worker> worker_;
};

}  // namespace nacre::fuse::fake
