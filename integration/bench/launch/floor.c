/* The kernel's floor: the least code that makes a container with the same isolation as ours, until it has exec'd.
 * usage, as root: floor CGROUP-DIRECTORY ROOT-DIRECTORY FILTER-FILE ROUNDS */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *root;
static struct sock_fprog filter;
#define MUST(call) \
    do { \
        if ((call) < 0) { \
            dprintf(2, "%s: %s\n", #call, strerror(errno)); \
            _exit(1); \
        } \
    } while (0)

static void make_devices(void) {
    static const struct { const char *path; int minor; } nodes[] = {
        {"dev/null", 3}, {"dev/zero", 5}, {"dev/full", 7}, {"dev/random", 8}, {"dev/urandom", 9},
    };
    umask(0);
    for (int i = 0; i < 5; i++) MUST(mknod(nodes[i].path, S_IFCHR | 0666, makedev(1, nodes[i].minor)));
    MUST(mknod("dev/tty", S_IFCHR | 0666, makedev(5, 0)));
    MUST(mkdir("dev/pts", 0755));
    MUST(mkdir("dev/shm", 0755));
    MUST(mkdir("dev/mqueue", 0755));
    MUST(symlink("/proc/self/fd", "dev/fd"));
    MUST(symlink("pts/ptmx", "dev/ptmx"));
}

static void make_mounts(void) {
    const unsigned long tight = MS_NOSUID | MS_NOEXEC | MS_NODEV;
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    MUST(mount(root, root, NULL, MS_BIND | MS_REC, NULL));
    MUST(chdir(root));
    MUST(mount("proc", "proc", "proc", tight, NULL));
    MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"));
    make_devices();
    MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
    MUST(mount("shm", "dev/shm", "tmpfs", tight, "mode=1777,size=65536k"));
    MUST(mount("mqueue", "dev/mqueue", "mqueue", tight, NULL));
    MUST(mount("sysfs", "sys", "sysfs", tight | MS_RDONLY, NULL));
    MUST(mount("cgroup2", "sys/fs/cgroup", "cgroup2", tight | MS_RDONLY, NULL));
    static const char *const fixed[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys"};
    for (int i = 0; i < 4; i++) {
        MUST(mount(fixed[i], fixed[i], NULL, MS_BIND | MS_REC, NULL));
        MUST(mount(NULL, fixed[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | tight, NULL));
    }
    static const char *const files[] = {"proc/keys", "proc/timer_list", "proc/kcore"};
    for (int i = 0; i < 3; i++)
        if (access(files[i], F_OK) == 0) MUST(mount("dev/null", files[i], NULL, MS_BIND, NULL));
    if (access("sys/firmware", F_OK) == 0) MUST(mount("tmpfs", "sys/firmware", "tmpfs", tight | MS_RDONLY, "size=0"));
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(umount2(".", MNT_DETACH));
    MUST(chdir("/"));
}

static void drop(void) {
    const unsigned long long kept = 0xa80425fbull;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{(unsigned)kept, (unsigned)kept, 0}, {0, 0, 0}};
    MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    for (int i = 0; i < 64; i++)
        if (!(kept >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) break;
    MUST(syscall(SYS_capset, &header, data));
}

static void __attribute__((noreturn)) child(void) {
    char *argv[] = {"sleep", "1000", NULL}, *envp[] = {"PATH=/bin", NULL};
    MUST(setsid());
    MUST(unshare(CLONE_NEWCGROUP));
    make_mounts();
    drop();
    MUST(close_range(3, ~0u, 4));
    execve("/bin/sleep", argv, envp);
    _exit(127);
}

static double once(const char *group, int round) {
    char path[4096];
    struct timespec from, to;
    int ends[2], pidfd = -1;
    char byte;
    siginfo_t info;
    snprintf(path, sizeof path, "%s/floor%d", group, round);
    clock_gettime(CLOCK_MONOTONIC, &from);
    MUST(pipe2(ends, O_CLOEXEC));
    MUST(mkdir(path, 0755));
    int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_INTO_CGROUP | CLONE_PIDFD,
        .pidfd = (unsigned long)&pidfd, .exit_signal = SIGCHLD, .cgroup = (unsigned long)cgroup,
    };
    if (getenv("FLOOR_IN_POD")) args.flags &= ~(unsigned long)(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET);
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) child();
    MUST(pid);
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 0) abort(); /* its end comes with execve */
    clock_gettime(CLOCK_MONOTONIC, &to);
    kill((pid_t)pid, SIGKILL);
    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
    close(pidfd), close(ends[0]), close(cgroup);
    for (int i = 0; i < 1000 && rmdir(path) < 0; i++) usleep(1000);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 5) return fprintf(stderr, "usage: floor CGROUP ROOT FILTER ROUNDS\n"), 2;
    int rounds = atoi(argv[4]), file = open(argv[3], O_RDONLY | O_CLOEXEC);
    static char bytes[4096 * 8];
    long size = read(file, bytes, sizeof bytes);
    if (file < 0 || size <= 0 || rounds < 1 || rounds > 10000) return fprintf(stderr, "floor: bad arguments\n"), 2;
    root = argv[2];
    filter = (struct sock_fprog){(unsigned short)(size / 8), (struct sock_filter *)bytes};
    double *times = calloc((size_t)rounds, sizeof *times);
    for (int i = 0; i < rounds; i++) times[i] = once(argv[1], i);
    qsort(times, (size_t)rounds, sizeof *times, compare);
    printf("floor     container%s, create to exec'd: min %.3f median %.3f p90 %.3f max %.3f ms (n=%d)\n",
           getenv("FLOOR_IN_POD") ? " in a pod" : "", times[0], times[rounds / 2], times[rounds * 9 / 10],
           times[rounds - 1], rounds);
    return 0;
}
