#pragma once

#include "runtime/cli/command.h"
#include "runtime/container/lifecycle.h"

namespace nacre::commands {

/// What `create` and `run` have in common. Some of runc's options have no meaning for a container with a
/// kernel of its own and are accepted without effect; what cannot be done is refused.
Result<runtime::CreateOptions> read_create_options(const cli::Invocation& invocation);

/// The number of --preserve-fds, 0 if it is not given.
Result<std::uint32_t> preserved_descriptors(const cli::ParsedOptions& options);

constexpr cli::Option bundle_option{"bundle", 'b', "DIR", "the bundle (default: the current directory)"};
constexpr cli::Option config_option{"config", 'f', "FILE", "use FILE instead of the bundle's config.json"};
constexpr cli::Option pid_file_option{"pid-file", 0, "FILE", "write the container's process id to FILE"};
constexpr cli::Option console_socket_option{"console-socket", 0, "SOCKET",
                                            "send the terminal's master to this unix socket"};
constexpr cli::Option pidfd_socket_option{"pidfd-socket", 0, "SOCKET",
                                          "send a pidfd of the process to this unix socket"};
constexpr cli::Option preserve_fds_option{"preserve-fds", 0, "N", "pass N more open descriptors, from 3 on"};
constexpr cli::Option no_pivot_option{"no-pivot", 0, "", "no effect: the root is changed inside the VM"};
constexpr cli::Option no_new_keyring_option{"no-new-keyring", 0, "",
                                            "no effect: the VM has keyrings of its own"};
constexpr cli::Option no_subreaper_option{"no-subreaper", 0, "", "no effect"};

}  // namespace nacre::commands
