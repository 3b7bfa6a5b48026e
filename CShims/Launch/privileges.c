#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

static void set_limits(const struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->limit_count; i++) {
        const struct cl_limit *limit = &child->plan->limits[i];
        struct rlimit64 value = {limit->soft, limit->hard};
        if (prlimit64(0, (int)limit->resource, &value, NULL) < 0) cl_fail(child, CL_STAGE_LIMITS, i, errno);
    }
}

/* By raising, which is what may be refused, and then as it was: what is still to be done here is not to be held up by any. */
void cl_try_limits(const struct cl_child *child) {
    for (uint32_t i = 0; i < child->plan->limit_count; i++) {
        const struct cl_limit *limit = &child->plan->limits[i];
        struct rlimit64 now, raised;
        int resource = (int)limit->resource;
        if (prlimit64(0, resource, NULL, &now) < 0) cl_fail(child, CL_STAGE_LIMITS, i, errno);
        if (limit->hard <= now.rlim_max) continue;
        raised = (struct rlimit64){now.rlim_cur, limit->hard};
        if (prlimit64(0, resource, &raised, NULL) < 0 || prlimit64(0, resource, &now, NULL) < 0) cl_fail(child, CL_STAGE_LIMITS, i, errno);
    }
}

/* Reports, as a mask in hexadecimal, and takes out of the sets, what this node itself does not hold. */
static uint64_t held(const struct cl_child *child) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) cl_fail(child, CL_STAGE_CAPABILITIES, 0, errno);
    uint64_t mask = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    unsigned long long missing = child->plan->permitted & ~mask;
    char said[17];
    snprintf(said, sizeof said, "%llx", missing);
    if (missing) cl_warn_saying(child, CL_STAGE_CAPABILITIES, 0, EPERM, said);
    return mask;
}

static void drop_bounding(const struct cl_child *child) {
    for (int capability = 0; CL_KEEPS(CAPABILITIES) && capability < 64; capability++) {
        if (child->plan->bounding >> capability & 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break; /* past the kernel's last */
        cl_fail(child, CL_STAGE_CAPABILITIES, 1, errno);
    }
}

static void set_capabilities(const struct cl_child *child, uint64_t mask) {
    const struct cl_plan *plan = child->plan;
    if (!CL_KEEPS(CAPABILITIES)) return;
    uint64_t effective = plan->effective & mask, permitted = plan->permitted & mask;
    uint64_t inheritable = plan->inheritable & mask;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    if (syscall(SYS_capset, &header, data) < 0) cl_fail(child, CL_STAGE_CAPABILITIES, 2, errno);
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_CAPABILITIES, 3, errno);
    for (int capability = 0; capability < 64; capability++)
        if ((plan->ambient & mask) >> capability & 1)
            if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
                cl_fail(child, CL_STAGE_CAPABILITIES, 4, errno);
}

/* The user must be able to open its own pipes and terminal again by /dev/stdout and the like. */
static void give_streams(const struct cl_plan *plan) {
    struct stat status;
    for (int fd = 0; plan->uid && fd < 3; fd++)
        if (fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || isatty(fd)))
            if (fchown(fd, plan->uid, (gid_t)-1) < 0) continue;
}

static void set_user(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_USER, 0, errno);
    if (!CL_KEEPS(USER)) return;
    /* a user namespace made without rights has given up groups for good; there is nothing to set where none is asked */
    if (syscall(SYS_setgroups, plan->group_count, plan->groups) < 0 && (plan->group_count || errno != EPERM))
        cl_fail(child, CL_STAGE_USER, 1, errno);
    if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0) cl_fail(child, CL_STAGE_USER, 2, errno);
    if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0) cl_fail(child, CL_STAGE_USER, 3, errno);
    umask(plan->umask & 0777);
}

/* Dies with the monitor; a change of user clears this, so it comes after. */
static void die_with_parent(const struct cl_child *child) {
    char byte;
    if (!CL_KEEPS(PARENT_DEATH) || child->plan->flags & CL_PLAN_EXPLICIT) return;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_SIGNALS, 1, errno);
    if (read(child->control, &byte, 1) == 0) _exit(127);
}

/* The working directory, which is made where there is none; a session's would be made in a container that is not its own. */
static int open_directory(const struct cl_child *child) {
    const char *path = child->plan->cwd;
    int directory = cl_open_inside(child->root, path, O_PATH | O_DIRECTORY, 0);
    if (directory >= 0 || errno != ENOENT || child->launch->join_pidfd >= 0) return directory;
    return cl_make_directories(child->root, path, 0);
}

void cl_make_directory(const struct cl_child *child) {
    int directory = open_directory(child);
    if (directory >= 0) close(directory);
}

void cl_enter_directory(struct cl_child *child) {
    int directory = open_directory(child);
    if (directory < 0 || fchdir(directory) < 0) cl_fail(child, CL_STAGE_CWD, 0, errno);
    close(directory);
    char reached[4096];
    /* a directory that is not beneath our root is told as "(unreachable)…" */
    long length = syscall(SYS_getcwd, reached, sizeof reached);
    if (length < 0) cl_fail(child, CL_STAGE_CWD, 0, errno);
    if (reached[0] != '/') cl_fail(child, CL_STAGE_CWD, 0, EXDEV);
}

/* What the process is to the scheduler, and to the loader. */
static void set_manners(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    if (plan->scheduler) {
        const struct cl_scheduler *wanted = plan->scheduler;
        struct sched_attr_v0 {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } attributes = {sizeof attributes, wanted->policy, wanted->flags, wanted->nice, wanted->priority,
                        wanted->runtime, wanted->deadline, wanted->period};
        if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0) cl_fail(child, CL_STAGE_SCHEDULING, 0, errno);
    }
    if (plan->has_io_priority && syscall(SYS_ioprio_set, 1, 0, plan->io_priority) < 0)
        cl_fail(child, CL_STAGE_SCHEDULING, 1, errno);
    if (plan->affinity && syscall(SYS_sched_setaffinity, 0, plan->affinity_size, plan->affinity) < 0)
        cl_fail(child, CL_STAGE_SCHEDULING, 2, errno);
    /* of the mask's bits the kernel reads one less than it is told */
    if (plan->has_memory_policy && syscall(SYS_set_mempolicy, plan->memory_policy, plan->nodes, plan->nodes_size * 8ul + 1) < 0)
        cl_fail(child, CL_STAGE_MEMORY_POLICY, 0, errno);
    if (plan->has_personality && personality(plan->personality) < 0) cl_fail(child, CL_STAGE_PERSONALITY, 0, errno);
}

void cl_keep_needed_rights(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    static const unsigned char taken[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_NICE, CAP_SYS_RESOURCE};
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    uint64_t needed = plan->permitted | plan->inheritable;
    for (size_t i = 0; i < sizeof taken; i++) needed |= 1ull << taken[i];
    if (plan->seccomp && !(plan->flags & CL_PLAN_NO_NEW_PRIVILEGES)) needed |= 1ull << CAP_SYS_ADMIN;
    if (syscall(SYS_capget, &header, data) < 0) cl_fail(child, CL_STAGE_CAPABILITIES, 0, errno);
    for (int i = 0; i < 2; i++) data[i].effective = data[i].permitted &= (uint32_t)(needed >> 32 * i);
    if (syscall(SYS_capset, &header, data) < 0) cl_fail(child, CL_STAGE_CAPABILITIES, 2, errno);
}

int cl_can_give_up_ahead(const struct cl_plan *plan) {
    /* a deadline is not handed on, nor may be what asks for many processes; an agent is not to be asked for a clone */
    if (plan->scheduler || plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return 0;
    for (uint32_t i = 0; i < plan->limit_count; i++)
        if (plan->limits[i].resource == RLIMIT_NPROC) return 0;
    return !plan->seccomp || plan->flags & CL_PLAN_NO_NEW_PRIVILEGES || cl_can_clone_behind(plan);
}

void cl_give_up_rights(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    set_manners(child);
    set_limits(child);
    give_streams(plan);
    uint64_t mask = held(child);
    /* without no_new_privs a filter needs CAP_SYS_ADMIN, so it comes before the capabilities go */
    if (!(plan->flags & CL_PLAN_NO_NEW_PRIVILEGES)) cl_load_filter(child);
    drop_bounding(child);
    set_user(child);
    set_capabilities(child, mask);
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_USER, 4, errno);
    child->has_given_up = 1;
}

static void take_no_more(const struct cl_child *child) {
    if (CL_KEEPS(PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) cl_fail(child, CL_STAGE_PRIVILEGES, 0, errno);
}

void cl_take_no_more_ahead(struct cl_child *child) {
    if (!(child->plan->flags & CL_PLAN_NO_NEW_PRIVILEGES)) return;
    take_no_more(child);
    if (child->has_given_up && cl_can_clone_behind(child->plan)) cl_load_filter(child);
}

void cl_drop_privileges(struct cl_child *child) {
    if (!child->has_given_up) cl_give_up_rights(child);
    die_with_parent(child);
    if (!(child->plan->flags & CL_PLAN_NO_NEW_PRIVILEGES)) return;
    take_no_more(child);
    cl_load_filter(child);
}
