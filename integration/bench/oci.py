"""swiftlet-oci beside crun and runc: create to the program's first word, run, exec, delete; alone and 16 at a time.
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


class Measured:
    def __init__(self):
        self.times, self.cpu, self.lock = {}, {}, threading.Lock()

    def call(self, name, words, **options):
        """Runs a command; its wall and processor time under a name. Milliseconds."""
        begin = time.perf_counter()
        process = subprocess.Popen(words, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = (time.perf_counter() - begin) * 1000
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
        self.note(name, took, (usage.ru_utime + usage.ru_stime) * 1000)
        return took

    def note(self, name, took, cpu=None):
        with self.lock:
            self.times.setdefault(name, []).append(took)
            if cpu is not None:
                self.cpu.setdefault(name, []).append(cpu)


def once(program, runtime, bundle, name, measured):
    base = [program, "--root", runtime.root]
    quiet = dict(stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    read, write = os.pipe()
    begin = time.perf_counter()
    measured.call("create", base + ["create", "--bundle", bundle, name], stdout=write, **quiet)
    os.close(write)
    measured.call("start", base + ["start", name], stdout=subprocess.DEVNULL, **quiet)
    if os.read(read, 1) != b"x":
        raise SystemExit(program + ": the program did not speak")
    measured.note("create to exec'd", (time.perf_counter() - begin) * 1000)
    measured.call("exec", base + ["exec", name, "/bin/true"], stdout=subprocess.DEVNULL, **quiet)
    os.close(read)
    subprocess.run(base + ["kill", name, "KILL"], check=True, stdout=subprocess.DEVNULL, **quiet)
    while json.loads(subprocess.run(base + ["state", name], capture_output=True, check=True).stdout)["status"] != "stopped":
        time.sleep(0.001)
    measured.call("delete", base + ["delete", name], stdout=subprocess.DEVNULL, **quiet)


def measure(program, rounds, together):
    runtime, measured = Runtime(program), Measured()
    try:
        bundle = runtime.bundle("echo x; exec sleep 100", lambda c: change(c, runtime.rootfs))
        short = runtime.bundle("", lambda c: (change(c, runtime.rootfs), c["process"].update(args=["/bin/true"])))
        once(program, runtime, bundle, runtime.id(), Measured())
        def work():
            for _ in range(rounds):
                once(program, runtime, bundle, runtime.id(), measured)
                measured.call("run", [program, "--root", runtime.root, "run", "--bundle", short, runtime.id()],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threads = [threading.Thread(target=work) for _ in range(together)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return measured, time.perf_counter() - begin
    finally:
        runtime.made = []
        shutil.rmtree(runtime.folder, ignore_errors=True)


def main():
    rounds, programs = int(sys.argv[1]), sys.argv[2:]
    phases = ["create", "create to exec'd", "exec", "run", "delete"]
    for together in (1, 16):
        print(f"{'alone' if together == 1 else '16 at a time'}, median ms (processor ms in brackets)")
        print(f"{'':14}" + "".join(f"{name:>20}" for name in phases) + f"{'containers/s':>14}")
        for program in programs:
            count = rounds if together == 1 else max(2, rounds // 8)
            measured, seconds = measure(program, count, together)
            cells = []
            for name in phases:
                wall = statistics.median(measured.times[name])
                cpu = measured.cpu.get(name)
                cells.append(f"{wall:.1f}" + (f" ({statistics.median(cpu):.1f})" if cpu else ""))
            rate = 2 * count * together / seconds
            print(f"{os.path.basename(program):14}" + "".join(f"{cell:>20}" for cell in cells) + f"{rate:>14.1f}")


main()
