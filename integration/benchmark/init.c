/* The first process of the QEMU microVM that nacre is measured beside: tells QEMU at once that it was reached.
 * A write of 5 to the isa-debug-exit port makes QEMU exit with (5 << 1) | 1 = 11. */
#include <sys/io.h>
#include <unistd.h>

int main(void) {
    if (ioperm(0xf4, 1, 1) == 0)
        outb(5, 0xf4);
    for (;;)
        pause();
}
