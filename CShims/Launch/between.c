#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

/* The process between: it clones the child that its caller will reap, after steps that the caller cannot take without being left changed by them. */

enum { PATIENCE = 10000 }; /* milliseconds */

/* The clone has the descriptor of the group that it begins in for its first moment. This one leads to no other group and lets nothing be written. */
static int group_alone(int group) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    int tree = open_tree(group, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) return group;
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &read_only, sizeof read_only) == 0) return tree;
    close(tree);
    return group;
}

/* Who is cloned into a pid namespace of others is in their sight from its first moment, and whoever may trace there (CAP_SYS_PTRACE) reaches all
 * that it has: so it begins without the host's files and the caller's descriptors. */
static void go_inside(struct cl_child *child, struct clone_args *args, int told) {
    int group = args->flags & CLONE_INTO_CGROUP ? group_alone((int)args->cgroup) : -1;
    if (group >= 0) args->cgroup = (uint64_t)group;
    int kept[CL_MAX_MOUNTS + 6] = {child->control, child->processes, told, group, child->launch->join_pidfd}, count = 5;
    int joins = child->launch->join_pidfd >= 0;
    if (!joins && unshare(CLONE_NEWNS) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
    cl_leave_host(child);
    kept[count++] = child->root;
    for (uint32_t i = 0; !joins && i < child->plan->mount_count; i++) kept[count++] = child->trees[i];
    cl_keep_descriptors(child, kept, count);
    child->is_inside = 1;
}

/* Who clones, while the pipe is for a moment the child's as well: only a child of ours is believed to be one. */
static int handle_of(pid_t pid) {
    siginfo_t info;
    int handle = (int)syscall(SYS_pidfd_open, pid, 0), code = errno;
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        code = errno;
        if (handle >= 0) close(handle);
        return errno = code, -1;
    }
    if (handle >= 0) return handle;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return errno = code, -1;
}

/* What the process between says, for which a container's volumes are looked up: on a file system that hangs it would be waited for without end, and its
 * pod's other containers with it. */
static int hear(int from, pid_t made[2]) {
    struct pollfd answer = {.fd = from, .events = POLLIN};
    int ready;
    do ready = poll(&answer, 1, PATIENCE);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) return ready < 0 ? errno : ETIMEDOUT;
    return read(from, made, 2 * sizeof *made) == 2 * sizeof *made ? 0 : ECHILD;
}

/* Those that we have given up on while they were stuck in the kernel. */
static pid_t stuck[16];

static void collect_stuck(void) {
    for (size_t i = 0; i < sizeof stuck / sizeof *stuck; i++)
        if (stuck[i] > 0 && waitpid(stuck[i], NULL, WNOHANG) != 0) stuck[i] = 0;
}

static void give_up_on(pid_t between) {
    const struct timespec moment = {.tv_nsec = 10000000};
    kill(between, SIGKILL);
    for (int i = 0; i < 100; i++) {
        if (waitpid(between, NULL, WNOHANG) != 0) return;
        nanosleep(&moment, NULL);
    }
    for (size_t i = 0; i < sizeof stuck / sizeof *stuck; i++)
        if (!stuck[i]) {
            stuck[i] = between;
            break;
        }
}

/* What has been cloned all the same, just before. */
static void discard_late(int from) {
    struct pollfd answer = {.fd = from, .events = POLLIN};
    pid_t made[2];
    siginfo_t info;
    if (poll(&answer, 1, 0) <= 0 || read(from, made, sizeof made) != sizeof made || made[0] <= 0) return;
    int handle = handle_of(made[0]);
    if (handle < 0) return;
    syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0);
    waitid(P_PIDFD, (id_t)handle, &info, WEXITED);
    close(handle);
}

pid_t cl_clone_within(int user, int processes, struct clone_args *args, struct cl_child *child, int *pidfd) {
    int ends[2];
    pid_t made[2] = {-1, 0};
    collect_stuck();
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    pid_t between = fork();
    if (between == 0) {
        args->flags |= CLONE_PARENT;
        args->flags &= ~(uint64_t)CLONE_PIDFD;
        args->pidfd = 0;
        args->exit_signal = 0;
        if (child && user < 0) go_inside(child, args, ends[1]);
        else if (child) cl_prepare(child);
        int joined = processes >= 0 ? setns(processes, CLONE_NEWPID) : 0;
        if (joined == 0 && user >= 0) joined = setns(user, CLONE_NEWUSER);
        made[0] = joined < 0 ? -1 : (pid_t)syscall(SYS_clone3, args, sizeof *args);
        if (made[0] == 0) {
            close(ends[1]);
            if (child && child->is_inside && args->flags & CLONE_INTO_CGROUP) close((int)args->cgroup);
            if (child && child->is_inside && child->launch->join_pidfd >= 0) cl_enter_cgroup_namespace(child);
            return 0;
        }
        made[1] = errno;
        _exit(write(ends[1], made, sizeof made) < 0);
    }
    close(ends[1]);
    int code = between < 0 ? errno : hear(ends[0], made);
    if (code) made[1] = code;
    if (code == ETIMEDOUT) {
        give_up_on(between);
        discard_late(ends[0]);
    } else if (between > 0) {
        waitpid(between, NULL, 0);
    }
    close(ends[0]);
    if (made[0] > 0 && (*pidfd = handle_of(made[0])) < 0) {
        made[1] = errno;
        made[0] = -1;
    }
    errno = made[1];
    return made[0];
}
