#pragma once

#include <string>
#include <string_view>

#include "vmm/base/result.h"

namespace nacre::runtime {

/// On its user-defined networks docker has a name server in each container's network namespace: 127.0.0.11,
/// where rules of netfilter lead from port 53 to the port that it has got.

/// Whether there is one in the calling thread's network namespace.
bool has_embedded_name_server();

/// The same from the text of /proc/net/udp (proc_net_udp(5)): a socket is bound to that address.
bool lists_name_server(std::string_view sockets);

/// Sends a DNS message to it, from the calling thread's network namespace, over TCP or UDP, and returns the
/// answer. At most ten seconds pass without a byte.
Result<std::string> ask_embedded_name_server(bool tcp, std::string_view question);

}  // namespace nacre::runtime
