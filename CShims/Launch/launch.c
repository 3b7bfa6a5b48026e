#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "device_program.h"

/* The joined container's OOM score is its exec sessions' too. */
static void inherit_oom_score(struct cl_child *child, int pid) {
    char path[48], text[16];
    int length = 0;
    for (const char *from = "/proc/"; *from; from++) path[length++] = *from;
    char digits[12];
    int count = 0;
    do digits[count++] = (char)('0' + pid % 10);
    while (pid /= 10);
    while (count) path[length++] = digits[--count];
    strcpy(path + length, "/oom_score_adj");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0) return;
    text[got] = 0;
    child->oom_score = atoi(text);
    child->has_oom_score = 1;
}

/* A plain fork: the caller is small. Its children's pid namespace must be set before. */
static pid_t fork_into(struct cl_child *child, struct cl_launched *out, uint32_t *stage) {
    const struct cl_launch *launch = child->launch;
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)&out->pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)launch->cgroup,
    };
    if (launch->plan->flags & CL_PLAN_EXPLICIT) {
        if (launch->cgroup < 0) {
            args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
            args.cgroup = 0;
        }
        if (launch->join_pidfd >= 0 && child->processes >= 0) return cl_begin_within(-1, &args, child, &out->between);
        if (launch->join_pidfd >= 0) return (pid_t)syscall(SYS_clone3, &args, sizeof args);
        args.flags |= cl_new_namespaces(launch->plan) & ~(uint64_t)launch->ahead;
        return cl_fork_explicit(child, &args, out, stage);
    }
    if (launch->join_pidfd < 0) {
        if (child->processes < 0 || child->user >= 0) args.flags |= CLONE_NEWNS;
        if (CL_KEEPS(PID_NAMESPACE) && launch->plan->flags & CL_PLAN_NEW_PID) args.flags |= CLONE_NEWPID;
    }
    if (child->processes >= 0 || (child->user >= 0 && launch->join_pidfd < 0))
        return cl_begin_within(launch->join_pidfd < 0 ? child->user : -1, &args, child, &out->between);
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) cl_let_go_of_others(child, child->user, -1);
    return pid;
}

/* The pipes' owner must be somebody whom the container knows: its processes open them again by /dev/stdout and the like. */
static void give_streams(const struct cl_launch *launch) {
    struct stat status;
    for (int i = 0; launch->plan->has_stream_owner && i < 3; i++)
        if (fstat(launch->stdio[i], &status) == 0 && S_ISFIFO(status.st_mode))
            if (fchown(launch->stdio[i], launch->plan->stream_owner, (gid_t)-1) < 0) continue;
}

static void discard(struct cl_launched *launched) {
    siginfo_t info;
    if (launched->between.pid) {
        syscall(SYS_pidfd_send_signal, launched->between.pidfd, SIGKILL, NULL, 0);
        int code = cl_finish_within(&launched->between, &launched->pid, &launched->pidfd);
        close(launched->between.pidfd);
        cl_collect(launched->between.pid);
        if (code) return;
    }
    syscall(SYS_pidfd_send_signal, launched->pidfd, SIGKILL, NULL, 0);
    waitid(P_PIDFD, (id_t)launched->pidfd, &info, WEXITED);
    close(launched->pidfd);
}

static int attach_device_program(const struct cl_launch *launch, uint32_t *stage) {
    const struct cl_plan *plan = launch->plan;
    if (!CL_KEEPS(DEVICES) || !(plan->flags & CL_PLAN_DEVICE_PROGRAM) || launch->join_pidfd >= 0 || launch->cgroup < 0) return 0;
    *stage = CL_STAGE_DEVICE_PROGRAM;
    return cl_attach_device_program(launch->cgroup, plan->rules, plan->rule_count);
}

/* As late as can be: while it is not there yet, there is nothing left to do but to wait. 0, or -1 with errno. */
static int take_ahead(struct cl_child *child, uint32_t *stage) {
    uint32_t kinds = child->launch->ahead;
    *stage = CL_STAGE_NAMESPACES;
    if (kinds & CLONE_NEWNET && (child->network = crt_network_take()) < 0) return errno = -child->network, -1;
    if (kinds & CLONE_NEWNS && (child->root_namespace = crt_root_take(stage)) < 0) return errno = -child->root_namespace, -1;
    *stage = CL_STAGE_CLONE;
    return 0;
}

/* With everything taken that is made ahead, or not at all. Where no further process is allowed it may be the thread that has the last place. */
static pid_t fork_with_ahead(struct cl_child *child, struct cl_launched *out, uint32_t *stage) {
    if (take_ahead(child, stage) < 0) return -1;
    pid_t pid = fork_into(child, out, stage);
    if (pid >= 0 || errno != EAGAIN || !child->launch->ahead) return pid;
    crt_network_drop();
    return fork_into(child, out, stage);
}

/* What the child alone has to have from now on. */
static int close_taken(const struct cl_child *child, int code) {
    const int taken[] = {child->user, child->network, child->root_namespace};
    for (int i = 0; i < 3; i++)
        if (taken[i] >= 0) close(taken[i]);
    return -code;
}

static int clone_child(const struct cl_launch *launch, const int ends[2], struct cl_launched *out, uint32_t *stage) {
    /* a monitor has the program mostly loaded, and must not wait for the end of a child that hangs; a bundle's is loaded while the child is at work */
    int is_late = (launch->plan->flags & CL_PLAN_EXPLICIT) != 0, code = is_late ? 0 : attach_device_program(launch, stage);
    if (code) return code;
    struct cl_child child = {.launch = launch, .plan = launch->plan, .control = ends[1], .callers_end = ends[0], .root = -1, .devices = -1,
                             .ready_root = -1, .network = -1, .root_namespace = -1, .processes = -1, .pid_namespace = -1, .begun = cm_monotonic_clock()};
    int joins = launch->join_pidfd >= 0;
    *stage = CL_STAGE_JOIN;
    child.user = launch->plan->flags & CL_PLAN_EXPLICIT ? CL_USER_NONE : cl_pod_user();
    if (child.user == CL_USER_UNKNOWN) return -errno;
    int namespace = joins ? launch->join_pidfd : launch->plan->flags & CL_PLAN_POD_PID ? launch->pod_pidfd : -1;
    child.has_oom_score = launch->plan->has_oom_score;
    child.oom_score = launch->plan->oom_score;
    if (joins && !child.has_oom_score) inherit_oom_score(&child, launch->join_pid);
    give_streams(launch);
    /* a session joins the pod's users by itself: with theirs alone nobody may trace what has begun outside */
    int by_another = child.user < 0 && !(joins && launch->join_kinds & CLONE_NEWUSER) ? CL_KEEPS(SIGHT) : !joins;
    if (by_another) {
        child.processes = namespace;
        namespace = -1;
    }
    if (namespace >= 0 && setns(namespace, CLONE_NEWPID) < 0) return close_taken(&child, errno);
    pid_t pid = fork_with_ahead(&child, out, stage);
    if (pid == 0) {
        if (child.callers_end >= 0) close(child.callers_end); /* or it would never see that who launched it is gone */
        cl_child_run(&child);
    }
    code = close_taken(&child, pid < 0 ? errno : 0);
    /* own_pid_ns is an ancestor that we live in: this cannot fail, and must not be left undone. But a user who entered the container's
     * user namespace has no right to come back; he makes no other process. */
    int back = namespace < 0 ? 0 : setns(launch->own_pid_ns, CLONE_NEWPID);
    if (back < 0 && !(errno == EPERM && launch->plan->flags & CL_PLAN_EXPLICIT)) abort();
    if (code) return code;
    if (!out->between.pid) out->pid = pid;
    if (is_late && (code = attach_device_program(launch, stage))) discard(out);
    return code;
}

/* Who was to make the child may have said what stood in its way. */
static int cause(int control, int code, uint32_t *stage, uint32_t *index) {
    struct cl_status status;
    int32_t descriptor;
    while (cl_status_read(control, &status, &descriptor) > 0) {
        if (descriptor >= 0) close(descriptor);
        if (status.kind != CL_STATUS_ERROR) continue;
        *stage = status.stage;
        *index = status.index;
        return -status.code;
    }
    return code;
}

int32_t cl_launch_begin(const struct cl_launch *launch, struct cl_launched *out, uint32_t *stage) {
    int ends[2];
    *stage = CL_STAGE_STDIO;
    *out = (struct cl_launched){.pidfd = -1, .between.answer = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -errno;
    *stage = CL_STAGE_CLONE;
    int code = launch->goes ? cl_go(ends[0]) : 0;
    if (!code) code = clone_child(launch, ends, out, stage);
    close(ends[1]);
    out->control = ends[0];
    if (code) close(ends[0]);
    return code;
}

int32_t cl_launch_finish(struct cl_launched *launched, uint32_t *stage) {
    *stage = CL_STAGE_CLONE;
    int code = -cl_finish_within(&launched->between, &launched->pid, &launched->pidfd);
    if (code) {
        code = cause(launched->control, code, stage, &launched->index);
        close(launched->control);
    }
    return code;
}

int32_t cl_launch_start(const struct cl_launch *launch, struct cl_launched *out, uint32_t *stage) {
    int code = cl_launch_begin(launch, out, stage);
    if (code || !out->between.pid) return code;
    code = cl_launch_finish(out, stage);
    if (out->between.pidfd >= 0) close(out->between.pidfd);
    cl_collect(out->between.pid);
    return code;
}

void cl_collect(int32_t between) {
    while (waitpid(between, NULL, 0) < 0 && errno == EINTR) continue;
}

int32_t cl_go(int32_t control) {
    return send(control, "g", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int32_t cl_status_read(int32_t control, struct cl_status *status, int32_t *descriptor) {
    char words[CL_WORDS + 1];
    return cl_status_read_words(control, status, descriptor, words);
}

int32_t cl_status_read_words(int32_t control, struct cl_status *status, int32_t *descriptor, char *words) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } rights;
    struct iovec parts[] = {{status, sizeof *status}, {words, CL_WORDS}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &rights,
                             .msg_controllen = sizeof rights};
    *descriptor = -1;
    ssize_t got;
    /* A child that ends with our word to go unread resets the socket: that is told once, before what the child said. */
    do got = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got == 0) return 0;
    if (got < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    if (got < (ssize_t)sizeof *status) return -EPROTO;
    words[(size_t)got - sizeof *status] = 0;
    return 1;
}

static int32_t reap(int32_t pidfd, int options, int32_t *code, int32_t *value) {
    siginfo_t info = {0};
    int got;
    do got = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | options);
    while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *value = info.si_status;
    return 1;
}

int32_t cl_reap(int32_t pidfd, int32_t *code, int32_t *value) { return reap(pidfd, WNOHANG, code, value); }

int32_t cl_await_end(int32_t pidfd, int32_t *code, int32_t *value) { return reap(pidfd, 0, code, value); }
