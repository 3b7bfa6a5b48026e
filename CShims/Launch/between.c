#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

/* The process between: it clones the child that its caller will reap, after steps that the caller cannot take without being left changed by them. */

enum { STACK_SIZE = 64 << 10, CL_DEEPEST_GROUP = 64 };

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

/* Whether it has nothing to do but to join the pid namespace, from which the caller has no way back. */
static int only_joins(const struct cl_child *child) {
    return child->plan->flags & CL_PLAN_EXPLICIT && child->launch->join_pidfd < 0 && child->pid_namespace < 0;
}

static int handle_of(pid_t pid) {
    int handle = (int)syscall(SYS_pidfd_open, pid, 0), code = errno;
    if (handle >= 0) return handle;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return errno = code, -1;
}

void cl_let_go_of_others(struct cl_child *child, int user, int told) {
    const struct cl_launch *launch = child->launch;
    if (child->plan->flags & CL_PLAN_EXPLICIT) return;
    int kept[CL_MAX_MOUNTS + 9] = {child->control, told, user, child->processes, launch->cgroup, launch->join_pidfd}, count = 6;
    for (int i = 0; i < 3; i++) kept[count++] = launch->stdio[i];
    for (uint32_t i = 0; i < launch->tree_count && i < CL_MAX_MOUNTS; i++) kept[count++] = launch->trees[i];
    cl_keep_descriptors(child, kept, count);
    child->callers_end = -1; /* its number may be another's from here on */
}

/* What a process between makes its child of. `told`: where it says what came of it, -1 where its memory is its caller's. */
struct making {
    int user, told;
    struct clone_args *args;
    struct cl_child *child;
    struct cl_between *between;
};

/* Where the kernel writes the child's. */
static int32_t *number_of(struct cl_between *between) { return between->answer < 0 ? &between->number : between->made; }

static void release(struct cl_between *between) {
    if (between->answer < 0) return;
    close(between->answer);
    between->answer = -1;
    munmap(between->made, sizeof *between->made);
}

/* The pipe's other end, or -1. */
static int open_answer(struct cl_between *between) {
    int ends[2];
    /* there at once: the kernel writes to it whatever becomes of who clones, and counts it as ours */
    const int kind = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
    void *page = mmap(NULL, sizeof *between->made, PROT_READ | PROT_WRITE, kind, -1, 0);
    if (page == MAP_FAILED) return -1;
    *between = (struct cl_between){.pidfd = -1, .answer = -1, .made = page};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        int code = errno;
        munmap(page, sizeof *between->made);
        return errno = code, -1;
    }
    between->answer = ends[0];
    return ends[1];
}

static void __attribute__((noreturn)) tell(const struct making *making, int code) {
    const struct cl_child *child = making->child;
#ifdef DEBUG
    static const char place[] = "monitor.childMade";
    if (!code) cm_hold((const uint8_t *)place, sizeof place - 1);
#endif
    /* whose end is to be seen is the child's, which may be over before we are */
    for (int i = 0; child && i < 3; i++) close(i);
    if (child) close(child->control);
    making->between->code = code; /* in memory that is lent */
    _exit(making->told >= 0 && write(making->told, &code, sizeof code) < 0);
}

/* Whether the machine lets who has changed its user be traced and dumped (fs.suid_dumpable is 1). */
static int dumps_others(void) {
    char value = '1';
    int file = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, &value, 1);
    if (file >= 0) close(file);
    return got == 1 && value == '1';
}

/* Whether the kernel ends all of the group, or of one above it, for want of memory in it (memory.oom.group). */
static int ends_as_one(uint64_t cgroup, uint64_t flags) {
    char path[3 * CL_DEEPEST_GROUP + sizeof "memory.oom.group"] = "";
    for (int depth = 0; flags & CLONE_INTO_CGROUP && depth < CL_DEEPEST_GROUP; depth++) {
        char value = 0, *name = path + 3 * depth;
        strcpy(name, "memory.oom.group");
        int file = openat((int)cgroup, path, O_RDONLY | O_CLOEXEC);
        ssize_t got = file < 0 ? 0 : read(file, &value, 1);
        if (file >= 0) close(file);
        if (got == 1 && value == '1') return 1;
        strcpy(name, "cgroup.type"); /* which all have but the first */
        if (faccessat((int)cgroup, path, F_OK, 0) < 0) return 0;
        strcpy(name, "../");
    }
    return 0;
}

/* Whether the caller lends its memory: a command of its own, which has one thread and waits. A copy takes the kernel a tenth of all that a session takes. A
 * time namespace is only for who shares memory with nobody. Whoever may trace the process has all that its memory is used for: it must be hidden, and stay so
 * when the process becomes another user, which makes it what the machine says. What the kernel ends for want of memory takes along whoever shares it: nobody
 * does in a group that is ended as one, where it would be the caller. */
static int is_lent(const struct making *making) {
    const struct cl_child *child = making->child;
    int is_session = child && child->plan->flags & CL_PLAN_EXPLICIT && child->launch->join_pidfd >= 0;
    return is_session && !(child->launch->join_kinds & CLONE_NEWTIME) && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && !dumps_others() &&
           !ends_as_one(making->args->cgroup, making->args->flags);
}

static int goes_inside(const struct making *making) { return making->child && making->user < 0 && !only_joins(making->child); }

/* In the process between: comes back in its child alone. */
static void make_child(const struct making *making) {
    struct clone_args *args = making->args;
    struct cl_child *child = making->child;
    int user = making->user, told = making->told, inside = goes_inside(making), made = -1;
    if (told >= 0) close(making->between->answer);
    args->flags |= CLONE_PARENT | CLONE_PARENT_SETTID;
    args->flags &= ~(uint64_t)CLONE_PIDFD;
    args->pidfd = 0;
    args->parent_tid = (uint64_t)(uintptr_t)number_of(making->between);
    args->exit_signal = 0;
    if (child) cl_let_go_of_others(child, user, told);
    /* whoever traces the child from its first moment could write another's number to it */
    int joined = CL_KEEPS(NUMBER) && told >= 0 ? madvise(making->between->made, sizeof *making->between->made, MADV_DONTFORK) : 0;
    if (joined == 0 && inside) joined = go_inside(child, told);
    if (joined == 0 && child && !inside) {
        if (!(child->plan->flags & CL_PLAN_EXPLICIT)) cl_prepare(child);
        joined = child->processes >= 0 ? setns(child->processes, CLONE_NEWPID) : 0;
    }
    if (joined == 0 && user >= 0) joined = setns(user, CLONE_NEWUSER);
    /* behind a filter clone3 is mostly not to be had */
    if (joined == 0) made = inside ? (int)syscall(SYS_clone, args->flags, 0, args->parent_tid, 0, 0) : plain_clone(args);
    if (made != 0) tell(making, made < 0 ? errno : 0);
    if (told >= 0) close(told);
}

/* In memory that is lent, of which the child has a copy then. */
static void __attribute__((noreturn)) make_beside(void *argument) {
    struct making making = *(const struct making *)argument;
    struct cl_child child = *making.child;
    making.child = &child;
    make_child(&making);
    if (child.callers_end >= 0) close(child.callers_end);
    cl_child_run(&child);
}

/* One that goes inside does so from the container's own group and namespaces, which the clone has then without another word; it is not in the sight of who is
 * in there. */
static pid_t begin(struct making *making, int *pidfd, int lent) {
    struct clone_args own = {.exit_signal = SIGCHLD};
    char stack[STACK_SIZE] __attribute__((aligned(16)));
    if (goes_inside(making)) {
        own.flags |= making->args->flags & ~(uint64_t)CLONE_PIDFD;
        own.cgroup = making->args->cgroup;
        making->args->flags = making->args->cgroup = 0;
    }
    if (!lent) {
        own.flags |= CLONE_PIDFD;
        own.pidfd = (uint64_t)(uintptr_t)pidfd;
        return plain_clone(&own);
    }
    own.flags |= CLONE_VM | CLONE_VFORK;
    own.stack = (uint64_t)(uintptr_t)stack;
    own.stack_size = sizeof stack;
    long pid = cl_clone_onto(&own, sizeof own, make_beside, making);
    return pid < 0 ? (errno = (int)-pid, -1) : (pid_t)pid;
}

pid_t cl_begin_within(int user, struct clone_args *args, struct cl_child *child, struct cl_between *between) {
    struct making making = {user, -1, args, child, between};
    int lent = is_lent(&making);
    *between = (struct cl_between){.pidfd = -1, .answer = -1, .code = ECHILD};
    if (!lent && (making.told = open_answer(between)) < 0) return -1;
    pid_t pid = begin(&making, &between->pidfd, lent);
    if (pid == 0) {
        make_child(&making);
        return 0;
    }
    int code = errno;
    if (!lent) close(making.told);
    if (pid < 0) release(between);
    else between->pid = pid;
    errno = code;
    return pid;
}

/* By an answer that it writes; at its end all the same. */
static int await_answer(struct cl_between *between) {
    struct pollfd over[] = {{.fd = between->answer, .events = POLLIN}, {.fd = between->pidfd, .events = POLLIN}};
    int code = ECHILD;
    while (poll(over, 2, -1) < 0 && errno == EINTR) continue;
    if (read(between->answer, &code, sizeof code) != sizeof code) code = ECHILD;
    /* it has nothing left to do, and whoever may freeze or stop it could keep it from its end */
    syscall(SYS_pidfd_send_signal, between->pidfd, SIGKILL, NULL, 0);
    return code;
}

int cl_finish_within(struct cl_between *between, pid_t *pid, int *pidfd) {
    int code = between->answer >= 0 ? await_answer(between) : between->code;
    /* one that was killed right after its clone has made the child all the same */
    pid_t made = *number_of(between);
    release(between);
    if (made <= 0) return code ? code : ECHILD;
    if ((*pidfd = handle_of(made)) < 0) return errno;
    *pid = made;
    return 0;
}

pid_t cl_clone_within(int user, struct clone_args *args, int *pidfd) {
    struct cl_between between = {0};
    pid_t pid = cl_begin_within(user, args, NULL, &between);
    if (pid <= 0) return pid;
    int code = cl_finish_within(&between, &pid, pidfd);
    close(between.pidfd);
    cl_collect(between.pid);
    return code ? (errno = code, -1) : pid;
}
