#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "child.h"

/* A plan with CL_PLAN_EXPLICIT names its namespaces. Those to join by path are joined by the parent, which comes back
 * afterwards: inside a new user namespace the right to join them would be gone. The user and mount namespaces, and what was made ahead, are joined
 * by the child, since nobody comes back from them; so is any from which the parent may not come back, as root of a user
 * namespace that does not own the ones it is in. A pid namespace of this kind is joined by a process between. */

static const char *own_file(uint32_t kind) {
    switch (kind) {
    case CLONE_NEWNET: return "/proc/self/ns/net";
    case CLONE_NEWIPC: return "/proc/self/ns/ipc";
    case CLONE_NEWUTS: return "/proc/self/ns/uts";
    case CLONE_NEWCGROUP: return "/proc/self/ns/cgroup";
    case CLONE_NEWPID: return "/proc/self/ns/pid_for_children";
    case CLONE_NEWTIME: return "/proc/self/ns/time_for_children";
    default: return NULL;
    }
}

/* The file of a namespace, checked to be of its kind: a descriptor or -1. */
static int open_namespace(const struct cl_namespace *namespace) {
    int file = open(namespace->path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    int kind = ioctl(file, NS_GET_NSTYPE);
    if (kind == (int)namespace->kind) return file;
    close(file);
    return errno = EINVAL, -1;
}

/* -2 where it is another's kind, or new. */
static int user_to_join(const struct cl_namespace *namespace) {
    return namespace->kind == CLONE_NEWUSER && *namespace->path ? open_namespace(namespace) : -2;
}

uint64_t cl_new_namespaces(const struct cl_plan *plan) {
    uint64_t flags = 0;
    for (uint32_t i = 0; i < plan->namespace_count; i++)
        if (!*plan->namespaces[i].path) flags |= plan->namespaces[i].kind;
    /* the cgroup namespace's root is the group that one is in, so the child makes it once there; the time namespace's
     * clocks are set before anybody enters it */
    return flags & ~(uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
}

static int new_time_namespace(const struct cl_plan *plan) {
    if (unshare(CLONE_NEWTIME) < 0) return -1;
    if (!plan->time_offsets) return 0;
    int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t wrote = write(file, plan->time_offsets, strlen(plan->time_offsets));
    close(file);
    return wrote < 0 ? -1 : 0;
}

static void become_of_new_time(const struct cl_child *child) {
    int file = new_time_namespace(child->plan) < 0 ? -1 : open(own_file(CLONE_NEWTIME), O_RDONLY | O_CLOEXEC);
    if (file < 0 || setns(file, CLONE_NEWTIME) < 0) cl_fail(child, CL_STAGE_TIME, 0, errno);
    close(file);
}

static const struct cl_namespace *find(const struct cl_plan *plan, uint32_t kind) {
    for (uint32_t i = 0; i < plan->namespace_count; i++)
        if (plan->namespaces[i].kind == kind) return &plan->namespaces[i];
    return NULL;
}

/* Leaves the pid namespace to be joined to a process between, where there is to be one: since it tells who is made by our numbers, or since it makes
 * the container, with a mount namespace of its own. Not where hooks are to find the container's process before it is made. */
static int leave_processes(struct cl_child *child, const struct cl_namespace *namespace) {
    const struct cl_namespace *user = find(child->plan, CLONE_NEWUSER), *mounts = find(child->plan, CLONE_NEWNS);
    int tells = user && *user->path, makes = !user && mounts && !*mounts->path && !(child->plan->flags & CL_PLAN_HOOKS);
    if (!tells && !(makes && CL_KEEPS(SIGHT))) return 0;
    if ((child->processes = open_namespace(namespace)) < 0) return -1;
    if (tells || (child->pid_namespace = cl_namespace_for_procfs(child)) >= 0) return 1;
    close(child->processes);
    return child->processes = -1, 0;
}

/* What the parent has no way back from is left to the child itself, or to who makes it. */
static int leave(struct cl_child *child, const struct cl_namespace *namespace) {
    if (namespace->kind == CLONE_NEWPID) return child->processes = open_namespace(namespace);
    child->late_kinds |= namespace->kind;
    return 0;
}

static int step_into(struct cl_child *child, uint32_t i, int own[CL_MAX_NAMESPACES]) {
    const struct cl_plan *plan = child->plan;
    const struct cl_namespace *namespace = &plan->namespaces[i];
    const char *back = own_file(namespace->kind);
    int is_new_time = namespace->kind == CLONE_NEWTIME && !*namespace->path;
    if (!back || (!*namespace->path && !is_new_time)) return 0;
    int is_left = namespace->kind == CLONE_NEWPID ? leave_processes(child, namespace) : 0;
    if (is_left) return is_left < 0 ? -1 : 0;
    if ((own[i] = open(back, O_RDONLY | O_CLOEXEC)) < 0) return -1;
    if (setns(own[i], (int)namespace->kind) < 0) {
        close(own[i]);
        own[i] = -1;
        return leave(child, namespace);
    }
    if (is_new_time) return new_time_namespace(plan);
    int file = open_namespace(namespace);
    if (file < 0) return -1;
    int done = setns(file, (int)namespace->kind);
    close(file);
    return done;
}

/* Back to where we were. Our own namespaces cannot refuse us, and must not be left unjoined. */
static void step_back(const struct cl_plan *plan, int own[CL_MAX_NAMESPACES]) {
    for (uint32_t i = 0; i < plan->namespace_count; i++) {
        if (own[i] < 0) continue;
        if (setns(own[i], (int)plan->namespaces[i].kind) < 0) abort();
        close(own[i]);
    }
}

pid_t cl_fork_explicit(struct cl_child *child, struct clone_args *args, struct cl_launched *out, uint32_t *stage) {
    const struct cl_plan *plan = child->plan;
    int own[CL_MAX_NAMESPACES], code = 0, user = -2;
    memset(own, -1, sizeof own);
    *stage = CL_STAGE_JOIN;
    for (uint32_t i = 0; !code && i < plan->namespace_count; i++)
        if (step_into(child, i, own) < 0 || (user == -2 && (user = user_to_join(&plan->namespaces[i])) == -1)) {
            code = errno;
            out->index = i;
        }
    pid_t pid = -1;
    if (!code) {
        *stage = CL_STAGE_CLONE;
        if (user < 0 && child->processes < 0) pid = (pid_t)syscall(SYS_clone3, args, sizeof *args);
        else pid = cl_begin_within(user, args, child, &out->between);
        if (pid == 0) return 0;
        if (pid < 0) code = errno;
    }
    if (user >= 0) close(user);
    if (child->processes >= 0) close(child->processes);
    if (child->pid_namespace >= 0) close(child->pid_namespace);
    step_back(plan, own);
    errno = code;
    return pid;
}

void cl_await_byte(const struct cl_child *child) {
    char byte;
    ssize_t got;
    do got = recv(child->control, &byte, 1, 0);
    while (got < 0 && errno == EINTR);
    if (got != 1) _exit(127); /* who launched us is gone */
}

void cl_become_root(const struct cl_plan *plan) {
    uint32_t uid = plan->uid, gid = plan->gid;
    /* where the id 0 is not mapped, the process's own user makes the files; all rights in the namespace stay */
    if (syscall(SYS_setresgid, 0, 0, 0) < 0 && syscall(SYS_setresgid, gid, gid, gid) < 0) return;
    if (syscall(SYS_setresuid, 0, 0, 0) < 0 && syscall(SYS_setresuid, uid, uid, uid) < 0) return;
}

/* Kernel parameters, through the host's /proc while it is in sight: they are those of the namespaces that we are in. Before a mount namespace is joined:
 * its owner may have laid anything over what is in its /proc. */
static void set_parameters(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    struct statfs filesystem;
    if (!plan->parameter_count) return;
    int root = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstatfs(root, &filesystem) < 0 || filesystem.f_type != PROC_SUPER_MAGIC)
        cl_fail(child, CL_STAGE_KERNEL_PARAMETER, 0, root < 0 ? errno : ENOTTY);
    for (uint32_t i = 0; i < plan->parameter_count; i++) {
        int file = cl_open_inside(root, plan->parameters[i].name, O_WRONLY, 0);
        if (file < 0 || write(file, plan->parameters[i].value, strlen(plan->parameters[i].value)) < 0)
            cl_fail(child, CL_STAGE_KERNEL_PARAMETER, i, errno);
        close(file);
    }
    close(root);
}

static void join(const struct cl_child *child, uint32_t i) {
    const struct cl_namespace *namespace = &child->plan->namespaces[i];
    int file = open_namespace(namespace);
    if (file < 0 || setns(file, (int)namespace->kind) < 0) cl_fail(child, CL_STAGE_JOIN, i, errno);
    close(file);
}

void cl_enter_namespaces(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (plan->flags & CL_PLAN_MAPPED) cl_await_byte(child);
    if (plan->flags & CL_PLAN_BECOME_ROOT) cl_become_root(plan);
    if (child->network >= 0 && setns(child->network, CLONE_NEWNET) < 0) cl_fail(child, CL_STAGE_NAMESPACES, 0, errno);
    for (uint32_t i = 0; child->late_kinds && i < plan->namespace_count; i++) {
        if (!(child->late_kinds & plan->namespaces[i].kind)) continue;
        if (*plan->namespaces[i].path) join(child, i);
        else become_of_new_time(child);
    }
    if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
        cl_fail(child, CL_STAGE_HOSTNAME, 0, errno);
    if (plan->domain_name && setdomainname(plan->domain_name, strlen(plan->domain_name)) < 0)
        cl_fail(child, CL_STAGE_HOSTNAME, 1, errno);
    set_parameters(child);
    for (uint32_t i = 0; i < plan->namespace_count; i++) {
        const struct cl_namespace *namespace = &plan->namespaces[i];
        if (namespace->kind == CLONE_NEWCGROUP && !*namespace->path && unshare(CLONE_NEWCGROUP) < 0)
            cl_fail(child, CL_STAGE_NAMESPACES, i, errno);
        if (namespace->kind != CLONE_NEWNS) continue;
        child->has_mount_namespace = 1;
        if (!*namespace->path) continue;
        join(child, i);
        child->has_mount_namespace = 0; /* somebody else's: its root stays as it is */
    }
}
