#pragma once

namespace nacre::machine {

/// nacre-vmm from its command line to its exit status.
int vmm_main(int argc, char** argv);

}  // namespace nacre::machine
