#pragma once

#include <vector>

#include "tests/fuzz/input.h"
#include "vmm/devices/vsock/device.h"

namespace nacre::fuzz {

/// The host's side of a vsock device: a port that the guest may connect to, and programs that connect to ports of the guest.
class HostPrograms {
  public:
    static constexpr std::size_t max_connections = 6;
    static constexpr std::uint32_t offered_port = 1024;

    HostPrograms();

    /// Of the device; once.
    vsock::Device::Options options();

    /// One of the programs does something.
    void step(Input& input);

  private:
    FileDescriptor connect() const;

    FileDescriptor listener_;
    FileDescriptor offered_;               // the device's end
    std::vector<FileDescriptor> sockets_;  // the programs'
};

}  // namespace nacre::fuzz
