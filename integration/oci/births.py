"""Runs a program and looks at each process that it or its children make before that has done anything, as who may trace there can: prints how many numbers
it has, one a pid namespace, how much memory it can write to that others have as well, and whether all its memory is the program's.
usage, as root: births.py PROGRAM [WORD]..."""
import ctypes
import os
import signal
import sys

TRACE_ME, CONTINUE, SET_OPTIONS = 0, 7, 0x4200
FORKS, ENDS_WITH_TRACER = 2 | 4 | 8, 0x100000
ALL_CHILDREN = 0x40000000  # __WALL

KCMP, KCMP_VM = {"x86_64": 312, "aarch64": 272}[os.uname().machine], 1

library = ctypes.CDLL(None)
ptrace, same_memory = library.ptrace, library.syscall
ptrace.argtypes = [ctypes.c_long] * 4


def look(pid):
    numbers = next(line for line in open(f"/proc/{pid}/status") if line.startswith("NSpid")).split()[1:]
    shared = [line for line in open(f"/proc/{pid}/maps") if line.split()[1] == "rw-s"]
    print(len(numbers), len(shared), int(same_memory(KCMP, pid, first, KCMP_VM, 0, 0) == 0))


first = os.fork()
if first == 0:
    ptrace(TRACE_ME, 0, 0, 0)
    os.execv(sys.argv[1], sys.argv[1:])
os.waitpid(first, 0)
ptrace(SET_OPTIONS, first, 0, FORKS | ENDS_WITH_TRACER)
ptrace(CONTINUE, first, 0, 0)
seen = {first}
while seen:
    pid, status = os.waitpid(-1, ALL_CHILDREN)
    if not os.WIFSTOPPED(status):
        seen.discard(pid)
        continue
    is_new, sent = pid not in seen, os.WSTOPSIG(status)
    if is_new:
        seen.add(pid)
        look(pid)
    ptrace(CONTINUE, pid, 0, 0 if is_new or sent == signal.SIGTRAP else sent)
