#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

/* Number 1 of a pod whose containers share their processes: it holds the namespace and takes in orphans. They see it,
 * so it has nothing: an empty read-only root, no descriptors, no rights, nobody's user; not dumpable like the monitor
 * that it was forked from. */

static int enter_empty_root(void) {
    static const char options[] = "mode=755\0nr_blocks=1\0nr_inodes=2";
    int tree = cl_new_mount("tmpfs", options, sizeof options,
                            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
    if (tree < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
    if (move_mount(tree, "", AT_FDCWD, "/sys", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(tree) < 0) return -1;
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0) return -1;
    return chdir("/");
}

static int give_up_rights(void) {
    const unsigned nobody = 65534;
    struct rlimit64 none = {0, 0};
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    for (int capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) break;
    if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, nobody, nobody, nobody) < 0) return -1;
    if (syscall(SYS_setresuid, nobody, nobody, nobody) < 0 || syscall(SYS_capset, &header, data) < 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prlimit64(0, RLIMIT_CORE, &none, NULL) < 0) return -1;
    /* a change of user may have made it dumpable again, and cleared the signal */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return -1;
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void __attribute__((noreturn)) run(int told) {
    struct sigaction reaping = {.sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT};
    char done = 1;
    prctl(PR_SET_NAME, "swiftlet-podinit", 0, 0, 0);
    if (setsid() < 0 || sigaction(SIGCHLD, &reaping, NULL) < 0 || enter_empty_root() < 0 || give_up_rights() < 0)
        _exit(1);
    if (write(told, &done, 1) != 1 || close_range(0, ~0u, 0) < 0) _exit(1);
    for (;;) pause();
}

int32_t cl_pod_init_start(int32_t *pidfd) {
    int ends[2], handle = -1;
    char done = 0;
    int user = cl_pod_user();
    if (user == CL_USER_UNKNOWN) return -errno;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        int code = errno;
        if (user >= 0) close(user);
        return -code;
    }
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNS,
        .pidfd = (uint64_t)(uintptr_t)&handle,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = user < 0 ? (pid_t)syscall(SYS_clone3, &args, sizeof args) : cl_clone_within(user, &args, &handle);
    if (pid == 0) run(ends[1]);
    int code = pid < 0 ? -errno : 0;
    if (user >= 0) close(user);
    close(ends[1]);
    if (!code && read(ends[0], &done, 1) != 1) code = -ECHILD;
    close(ends[0]);
    if (code) {
        if (handle >= 0) close(handle);
        return code;
    }
    *pidfd = handle;
    return pid;
}
