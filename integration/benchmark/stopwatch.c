/* stopwatch LABEL CMD…: runs CMD with no input and no output, and prints
 *   LABEL <CLOCK_MONOTONIC at start, ns> <ns until it had ended> <exit status, 128+n for signal n> <peak RSS, KiB>
 * The peak is that of the largest process among CMD and its reaped children. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void run(char **command) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    if (!getenv("STOPWATCH_STDERR"))
        dup2(null, 2);
    execvp(command[0], command);
    _exit(127);
}

int main(int count, char **words) {
    if (count < 3) {
        fprintf(stderr, "usage: stopwatch LABEL CMD...\n");
        return 2;
    }
    const long long start = now();
    const pid_t child = fork();
    if (child == 0)
        run(words + 2);
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("stopwatch");
        return 1;
    }
    const long long took = now() - start;
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    printf("%s %lld %lld %d %ld\n", words[1], start, took, code, usage.ru_maxrss);
    return 0;
}
