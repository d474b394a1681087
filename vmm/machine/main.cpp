#include "vmm/machine/vmm_main.h"

int main(int argc, char** argv) {
    return nacre::machine::vmm_main(argc, argv);
}
