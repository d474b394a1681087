#pragma once

#include <linux/bpf.h>

#include <vector>

#include "vmm/base/file_descriptor.h"

namespace nacre::runtime {

/// A listening TCP socket that gets every new connection to 127.0.0.1 and ::1 in a network namespace,
/// whatever its port: getsockname(2) of an accepted one tells that. A BPF program of the kind sk_lookup
/// (bpf(2), Linux 5.9) finds it; connections that exist, and all other addresses, it leaves alone. Ends with
/// its descriptors.
class LoopbackListener {
  public:
    /// In the network namespace of the calling thread, which must not be the host's. Needs no free port that
    /// anybody knows of.
    static Result<LoopbackListener> create();

    /// The next connection; blocks.
    Result<FileDescriptor> accept() const;

  private:
    LoopbackListener(FileDescriptor socket, FileDescriptor link)
        : socket_(std::move(socket)), link_(std::move(link)) {}

    FileDescriptor socket_;
    FileDescriptor link_;
};

/// The program, for a map (BPF_MAP_TYPE_SOCKMAP) whose first element is the listening socket.
std::vector<bpf_insn> loopback_program(int socket_map);

}  // namespace nacre::runtime
