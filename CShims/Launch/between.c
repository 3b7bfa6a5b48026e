#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

/* The process between: it clones the child that its caller will reap, after steps that the caller cannot take without being left changed by them. */

static pid_t plain_clone(struct clone_args *args) { return (pid_t)syscall(SYS_clone3, args, sizeof *args); }

#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE _IO(0xFF, 5)
#endif

int cl_namespace_for_procfs(const struct cl_child *child) {
    int namespace = ioctl(child->processes, PIDFD_GET_PID_NAMESPACE, 0), context = fsopen("proc", FSOPEN_CLOEXEC);
    if (namespace < 0) namespace = fcntl(child->processes, F_DUPFD_CLOEXEC, 3); /* it is the namespace itself */
    int can = context >= 0 && namespace >= 0 && fsconfig(context, FSCONFIG_SET_FD, "pidns", NULL, namespace) == 0;
    if (context >= 0) close(context);
    if (namespace >= 0 && !can) close(namespace);
    return can ? namespace : -1;
}

/* Who is cloned into a pid namespace of others is in their sight from its first moment, and whoever may trace there (CAP_SYS_PTRACE) reaches all
 * that it has and may do: so it begins without the host's files, the caller's descriptors and the caller's rights. A container whose procfs only who is
 * in the namespace can make (before Linux 6.17) keeps these for as long as it is made. */
static int go_inside(struct cl_child *child, int told) {
    int joins = child->launch->join_pidfd >= 0, explicit = child->plan->flags & CL_PLAN_EXPLICIT;
    if (!joins && !explicit && unshare(CLONE_NEWNS) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
    if (!joins && !explicit) child->pid_namespace = cl_namespace_for_procfs(child);
    cl_leave_host(child);
    child->is_inside = 1;
    if (setns(child->processes, CLONE_NEWPID) < 0) return -1;
    if (joins || child->pid_namespace >= 0) {
        cl_get_ready(child, told);
        return 0;
    }
    int kept[CL_MAX_MOUNTS + 3] = {child->control, told, child->root}, count = 3;
    for (uint32_t i = 0; i < child->plan->mount_count; i++) kept[count++] = child->trees[i];
    cl_keep_descriptors(child, kept, count);
    return 0;
}

/* The process between. One that goes inside does so from the container's own group and namespaces, which the clone has then without another word; it is not
 * in the sight of who is in there. */
static pid_t fork_between(struct clone_args *args, int goes_inside) {
    struct clone_args own = {.flags = args->flags & ~(uint64_t)CLONE_PIDFD, .cgroup = args->cgroup, .exit_signal = SIGCHLD};
    if (!goes_inside) return fork();
    args->flags = args->cgroup = 0;
    return plain_clone(&own);
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

/* Others' pipes and sockets are not to end late because we are held up. A command of its own has none. */
static void let_go_of_others(struct cl_child *child, int user, int told) {
    const struct cl_launch *launch = child->launch;
    if (child->plan->flags & CL_PLAN_EXPLICIT) return;
    int kept[CL_MAX_MOUNTS + 9] = {child->control, told, user, child->processes, launch->cgroup, launch->join_pidfd}, count = 6;
    for (int i = 0; i < 3; i++) kept[count++] = launch->stdio[i];
    for (uint32_t i = 0; i < launch->tree_count && i < CL_MAX_MOUNTS; i++) kept[count++] = launch->trees[i];
    cl_keep_descriptors(child, kept, count);
    child->callers_end = -1; /* its number may be another's from here on */
}

pid_t cl_begin_within(int user, struct clone_args *args, struct cl_child *child, int *answer) {
    int ends[2];
    pid_t made[2] = {-1, 0};
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    int goes_inside = child && user < 0;
    pid_t between = fork_between(args, goes_inside);
    if (between == 0) {
        args->flags |= CLONE_PARENT;
        args->flags &= ~(uint64_t)CLONE_PIDFD;
        args->pidfd = 0;
        args->exit_signal = 0;
        if (child) let_go_of_others(child, user, ends[1]);
        int joined = goes_inside ? go_inside(child, ends[1]) : 0;
        if (child && !goes_inside) {
            if (!(child->plan->flags & CL_PLAN_EXPLICIT)) cl_prepare(child);
            joined = child->processes >= 0 ? setns(child->processes, CLONE_NEWPID) : 0;
        }
        if (joined == 0 && user >= 0) joined = setns(user, CLONE_NEWUSER);
        /* behind a filter clone3 is mostly not to be had */
        if (joined < 0) made[0] = -1;
        else made[0] = goes_inside ? (pid_t)syscall(SYS_clone, args->flags, 0, 0, 0, 0) : plain_clone(args);
        if (made[0] == 0) {
            close(ends[1]);
            return 0;
        }
        made[1] = errno;
        /* whose end is to be seen is the child's, which may be over before we are */
        for (int i = 0; child && i < 3; i++) close(i);
        if (child) close(child->control);
        _exit(write(ends[1], made, sizeof made) < 0);
    }
    int code = errno;
    close(ends[1]);
    if (between < 0) close(ends[0]);
    else *answer = ends[0];
    errno = code;
    return between;
}

int cl_finish_within(pid_t between, int answer, pid_t *pid, int *pidfd) {
    pid_t made[2] = {-1, 0};
    ssize_t got;
    do got = read(answer, made, sizeof made);
    while (got < 0 && errno == EINTR);
    close(answer);
    kill(between, SIGKILL); /* it has nothing left to do, and whoever may freeze or stop it could keep it from its end */
    if (got != sizeof made) return ECHILD;
    if (made[0] < 0) return made[1];
    if ((*pidfd = handle_of(made[0])) < 0) return errno;
    *pid = made[0];
    return 0;
}

pid_t cl_clone_within(int user, struct clone_args *args, int *pidfd) {
    int answer;
    pid_t pid = -1, between = cl_begin_within(user, args, NULL, &answer);
    if (between <= 0) return between;
    int code = cl_finish_within(between, answer, &pid, pidfd);
    waitpid(between, NULL, 0);
    errno = code;
    return pid;
}
