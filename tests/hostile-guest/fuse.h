#pragma once

#include <linux/fuse.h>

#include "tests/hostile-guest/virtio.h"

/// Requests to the file server of the virtio-fs device.
namespace hostile::fuse {

enum Queue : u32 { hiprio, requests };

/// What came back.
struct Answer {
    bool came = false;
    int error = 0;  // negative errno
    u32 bytes = 0;  // behind the header
    template <class T>
    const T& as() const {
        return *reinterpret_cast<const T*>(body());
    }
    const u8* body() const;
    bool succeeded() const { return came && error == 0; }
};

/// A request being made: header, structures, names, bytes.
class Request {
  public:
    Request(u32 opcode, u64 node);
    template <class T>
    Request& add(const T& part) {
        return add(&part, sizeof part);
    }
    Request& add(const void* part, u32 bytes);
    /// With its NUL.
    Request& name(const char* text) { return add(text, length_of(text) + 1); }
    fuse_in_header& header();
    u32 size() const;

    /// Sends it as its header says, with the bytes that were added.
    Answer send();
};

/// Resets the device and greets the server.
const Device& start();
const Device& device();

inline constexpr u64 root = 1;

/// The node of `name` in `parent`; 0 if there is none.
u64 look_up(u64 parent, const char* name, u32* mode = nullptr);
/// The node at a path below the share's root, "a/b/c"; 0 if there is none.
u64 walk(const char* path);
/// The container's root file system, which the host has in the share.
u64 container_root();

/// Reads the beginning of a file by its node. Bytes read, at `answer.body()`.
Answer read_file(u64 node);

}  // namespace hostile::fuse
