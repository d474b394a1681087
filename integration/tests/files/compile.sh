# Compiles and runs a program of two files, through an archive.
set -e
mkdir /tmp/build && cd /tmp/build
printf 'int twice(int n) { return 2 * n; }\n' >twice.c
printf '#include <stdio.h>\nint twice(int);\nint main(void) { printf("%%d\\n", twice(21)); return 0; }\n' >main.c
gcc -O2 -Wall -c twice.c main.c
ar rcs libtwice.a twice.o
gcc -o program main.o -L. -ltwice
./program
ls
