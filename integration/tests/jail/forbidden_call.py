"""Makes a process call socket(2) in place of the next system call of its main thread.

Usage: forbidden_call.py PID
"""
import ctypes
import os
import signal
import sys

PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_SYSCALL = 12, 13, 24
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
SYS_SOCKET = 41
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

# struct user_regs_struct (sys/user.h) has 27 registers; orig_rax is the sixteenth.
Registers = ctypes.c_ulong * 27
ORIG_RAX = 15


def ptrace(request, pid, data=None):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def wait_for_stop(pid):
    _, status = os.waitpid(pid, WALL)
    if not os.WIFSTOPPED(status):
        sys.exit(f"process {pid} has ended already: {status}")


def main(pid):
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    wait_for_stop(pid)
    ptrace(PTRACE_SYSCALL, pid)  # to the next entry into the kernel
    wait_for_stop(pid)
    registers = Registers()
    ptrace(PTRACE_GETREGS, pid, ctypes.addressof(registers))
    registers[ORIG_RAX] = SYS_SOCKET
    ptrace(PTRACE_SETREGS, pid, ctypes.addressof(registers))
    ptrace(PTRACE_SYSCALL, pid)


signal.alarm(30)
main(int(sys.argv[1]))
