"""swiftlet-oci beside crun and runc: create to the program's first word, run, exec, delete; alone and 16 at a time. The runtimes take turns,
so that whatever else the machine does falls on all of them.
usage, as root, from oci.sh: oci.py ROUNDS RUNTIME..."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "oci"))
from bundle import Runtime  # noqa: E402

NAMES = """accept accept4 access alarm bind brk capget capset chdir chmod chown clock_getres clock_gettime clock_nanosleep clone clone3
close connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd eventfd2 execve
execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr flock
fork fstat fstatfs fsync ftruncate futex getcwd getdents getdents64 getegid geteuid getgid getgroups getpeername getpgid getpgrp getpid
getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr
inotify_add_watch inotify_init1 ioctl kill lchown lgetxattr link linkat listen listxattr lseek lstat madvise membarrier memfd_create mincore
mkdir mkdirat mknod mknodat mlock mmap mprotect mremap msync munlock munmap nanosleep newfstatat open openat openat2 pause pipe pipe2 poll
ppoll prctl pread64 preadv prlimit64 pselect6 pwrite64 pwritev read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmsg
rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity sched_yield select sendfile sendmmsg sendmsg sendto
set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid
setrlimit setsid setsockopt setuid setxattr shutdown sigaltstack signalfd4 socket socketpair splice stat statfs statx symlink symlinkat
sync tee tgkill time timer_create timerfd_create timerfd_settime tkill truncate umask uname unlink unlinkat utimensat vfork wait4 waitid
write writev arch_prctl""".split()


def change(config, rootfs):
    config["ociVersion"] = "1.0.2"
    config["root"]["path"] = rootfs
    # before it loads rules for devices crun 1.8 raises a limit, which needs CAP_SYS_RESOURCE
    del config["linux"]["resources"]
    config["process"]["noNewPrivileges"] = True
    config["linux"]["maskedPaths"] = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]
    config["linux"]["readonlyPaths"] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
                                  "syscalls": [{"names": NAMES, "action": "SCMP_ACT_ALLOW"}]}


# Says a word and waits, or ends at once. Without the C library's start, which asks the processor about itself: in a virtual machine that takes a third of a
# millisecond, as much for whoever starts it.
PROGRAM = """#include <sys/syscall.h>
#include <unistd.h>
void _start(void) {
#ifdef SPEAKS
    syscall(SYS_write, 1, "x", 1);
    for (;;) syscall(SYS_ppoll, 0, 0, 0, 0, 0);
#endif
    for (;;) syscall(SYS_exit_group, 0);
}"""


def compile_program(path, *options):
    subprocess.run(["cc", "-O2", "-static", "-nostartfiles", *options, "-x", "c", "-o", path, "-"], check=True, text=True, input=PROGRAM)


class Measured:
    """Of one runtime: milliseconds of wall and processor time under each name; what a container costs that waits for `start`, in KiB."""

    def __init__(self):
        self.wall, self.cpu, self.waiting, self.lock = {}, {}, [], threading.Lock()

    def note(self, name, took, usage=None):
        with self.lock:
            self.wall.setdefault(name, []).append(took)
            if usage:
                self.cpu.setdefault(name, []).append((usage.ru_utime + usage.ru_stime) * 1000)

    def call(self, name, words, stdout=None):
        """Runs a command to its end. By posix_spawn: what the measuring itself costs is part of every figure."""
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0) if stdout is None else (os.POSIX_SPAWN_DUP2, stdout, 1)]
        begin = time.perf_counter()
        _, status, usage = os.wait4(os.posix_spawn(words[0], words, os.environ, file_actions=actions), 0)
        took = (time.perf_counter() - begin) * 1000
        if status:
            raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
        self.note(name, took, usage)


def own_memory(pid):
    """What a process has to itself and its share of the rest, in KiB; the process may be another's business a moment later."""
    try:
        rows = dict(line.split(":", 1) for line in open(f"/proc/{pid}/smaps_rollup") if ":" in line)
        return int(rows["Pss"].split()[0])
    except (OSError, KeyError):
        return 0


def is_alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


class Subject:
    """One runtime with its bundles."""

    def __init__(self, program):
        self.name = os.path.basename(program)
        self.runtime, self.measured = Runtime(program), Measured()
        self.runtime.root = tempfile.mkdtemp(dir="/dev/shm")  # in memory, as /run is
        self.base = [program, "--root", self.runtime.root]
        rootfs = self.runtime.rootfs
        compile_program(rootfs + "/bin/nothing")
        compile_program(rootfs + "/bin/speaks", "-DSPEAKS")
        self.long = self.bundle("/bin/speaks")
        self.short = self.bundle("/bin/nothing")

    def bundle(self, program):
        return self.runtime.bundle("", lambda config: (change(config, self.runtime.rootfs), config["process"].update(args=[program])))

    def once(self):
        """One container's life, and another's that runs to its end."""
        name, base, measured = self.runtime.id(), self.base, self.measured
        read, write = os.pipe()
        os.set_inheritable(write, False)
        begin = time.perf_counter()
        measured.call("create", base + ["create", "--bundle", self.long, name], write)
        os.close(write)
        middle = time.perf_counter()
        pid = json.loads(self.runtime.call("state", name).stdout)["pid"]
        measured.waiting.append(own_memory(pid))
        pause = time.perf_counter() - middle
        measured.call("start", base + ["start", name])
        if os.read(read, 1) != b"x":
            raise SystemExit(self.name + ": the program did not speak")
        measured.note("create to exec'd", (time.perf_counter() - begin - pause) * 1000)
        os.close(read)
        measured.call("exec", base + ["exec", name, "/bin/nothing"])
        self.end(name, pid)
        measured.call("delete", base + ["delete", name])
        measured.call("run", base + ["run", "--bundle", self.short, self.runtime.id()])

    def end(self, name, pid):
        self.measured.call("kill", self.base + ["kill", name, "KILL"])
        while is_alive(pid):
            time.sleep(0.001)

    def many(self, together):
        """So many lives at the same time; seconds."""
        threads = [threading.Thread(target=self.once) for _ in range(together)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begin

    def clean(self):
        self.runtime.made = []
        self.runtime.clean()
        shutil.rmtree(self.runtime.root, ignore_errors=True)


PHASES = ["create", "create to exec'd", "exec", "run", "delete"]


def spawning(rounds):
    """What it takes to run a static program that does nothing: part of every call, twice of `create to exec'd`."""
    with tempfile.TemporaryDirectory() as folder:
        compile_program(folder + "/nothing")
        measured = Measured()
        for _ in range(rounds):
            measured.call("nothing", [folder + "/nothing"])
    wall, cpu = measured.wall["nothing"], measured.cpu["nothing"]
    print(f"in every call, a static program that does nothing: {statistics.median(wall):.2f} ms ({statistics.median(cpu):.2f}), best {min(wall):.2f}")


def report(subjects, seconds, lives):
    print(f"{'':14}" + "".join(f"{name:>22}" for name in PHASES) + f"{'containers/s':>14}")
    first = subjects[0].measured
    for one in subjects:
        cells = []
        for name in PHASES:
            wall, cpu = statistics.median(one.measured.wall[name]), one.measured.cpu.get(name)
            ratio = "" if one is subjects[0] else f" x{wall / statistics.median(first.wall[name]):.1f}"
            cells.append(f"{wall:.1f}" + (f" ({statistics.median(cpu):.1f})" if cpu else "") + ratio)
        print(f"{one.name:14}" + "".join(f"{cell:>22}" for cell in cells) + f"{2 * lives / seconds[one.name]:>14.1f}")
        print(f"{'  best':14}" + "".join(f"{min(one.measured.wall[name]):>22.1f}" for name in PHASES))
    print("a created container that waits, KiB (PSS): " + ", ".join(f"{one.name} {statistics.median(one.measured.waiting):.0f}" for one in subjects))


def main():
    rounds, programs = int(sys.argv[1]), sys.argv[2:]
    spawning(rounds)
    for together in (1, 16):
        subjects = [Subject(program) for program in programs]
        count = rounds if together == 1 else max(2, rounds // 8)
        try:
            for one in subjects:
                one.once()
                one.measured = Measured()
            seconds = {one.name: 0 for one in subjects}
            for _ in range(count):
                for one in subjects:
                    seconds[one.name] += one.many(together)
            print(f"{'alone' if together == 1 else '16 at a time'}: median ms, processor ms in brackets, times that of the first")
            report(subjects, seconds, count * together)
        finally:
            for one in subjects:
                one.clean()


main()
