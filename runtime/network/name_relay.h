#pragma once

#include <string>

namespace nacre::runtime {

/// What processes of a container ask at 127.0.0.11 in its VM is asked of docker's embedded name server in the
/// calling process's network namespace, and the answers go back. The guest chooses the bytes of a question
/// and whether it goes over UDP or TCP; where to is fixed (embedded_name_server.h). One that the server does
/// not answer is not answered.
///
/// To be called once, in the network namespace of the container, which must not be the host's. Goes on in
/// threads of its own until the process ends, with at most 64 questions at once; more of them wait.
void relay_names(const std::string& vm_directory, const std::string& container);

}  // namespace nacre::runtime
