#pragma once

namespace nacre::runtime {

/// Closes what the caller of nacre left open beside 0, 1 and 2: a relay lives on, and would keep a caller's
/// pipes and sockets open for as long. Told from our own, which are all close-on-exec, by that flag.
void close_inherited_descriptors();

}  // namespace nacre::runtime
