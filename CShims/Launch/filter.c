#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

#if defined(__x86_64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64 };
#endif

/* What a process does between the gate and its program (cl_wait_at_gate, cl_enter_directory, cl_drop_privileges); the kernel itself calls
 * restart_syscall where it goes on waiting after a stop. */
static const int after_gate[] = {
    SYS_accept4, SYS_ppoll, SYS_recvfrom, SYS_sendto, SYS_write, SYS_close, SYS_openat2, SYS_mkdirat, SYS_readlinkat, SYS_fchdir, SYS_getcwd,
    SYS_fstat, SYS_newfstatat, SYS_ioctl, SYS_fchown, SYS_prlimit64, SYS_capget, SYS_capset, SYS_prctl, SYS_setgroups, SYS_setresgid,
    SYS_setresuid, SYS_umask, SYS_execve, SYS_exit_group,
    SYS_restart_syscall,
#ifdef SYS_poll
    SYS_poll,
#endif
};

static int holds(const struct sock_filter *at, uint32_t value) {
    switch (BPF_OP(at->code)) {
    case BPF_JEQ: return value == at->k;
    case BPF_JGT: return value > at->k;
    case BPF_JGE: return value >= at->k;
    default: return (value & at->k) != 0;
    }
}

/* What a session does that is cloned behind its filter, from the clone on (cl_child_run). */
static const int after_clone[] = {
    SYS_close, SYS_prctl, SYS_setsid, SYS_write, SYS_recvfrom, SYS_fcntl, SYS_read, SYS_execve, SYS_exit_group, SYS_restart_syscall,
};

enum { ARGUMENTS = 6 };

/* Half of an argument as a program loads it. */
static int is_argument(uint32_t offset) {
    uint32_t first = offsetof(struct seccomp_data, args);
    return offset >= first && offset < first + ARGUMENTS * sizeof(uint64_t) && offset % sizeof(uint32_t) == 0;
}

/* Whether the filter lets a call pass with these arguments; NULL: whatever they are. A program that looks at them then, or does anything that the one of a plain
 * profile does not, is not followed: no. Jumps lead forward only, so it ends. */
static int lets_pass(const struct sock_filter *filter, uint32_t count, int number, const uint64_t arguments[ARGUMENTS]) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct sock_filter *at = &filter[i];
        switch (at->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (at->k == offsetof(struct seccomp_data, nr)) value = (uint32_t)number;
            else if (at->k == offsetof(struct seccomp_data, arch)) value = (uint32_t)ARCHITECTURE;
            else if (arguments && is_argument(at->k))
                memcpy(&value, (const char *)arguments + at->k - offsetof(struct seccomp_data, args), sizeof value);
            else return 0;
            break;
        case BPF_ALU | BPF_AND | BPF_K: value &= at->k; break;
        case BPF_JMP | BPF_JA: i += at->k; break;
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
        case BPF_JMP | BPF_JSET | BPF_K: i += holds(at, value) ? at->jt : at->jf; break;
        case BPF_RET | BPF_K: return at->k == SECCOMP_RET_ALLOW;
        default: return 0;
        }
    }
    return 0;
}

static int can_wait_behind(const struct cl_plan *plan) {
    for (size_t i = 0; i < sizeof after_gate / sizeof *after_gate; i++)
        if (!lets_pass((const struct sock_filter *)plan->seccomp, plan->seccomp_count, after_gate[i], NULL)) return 0;
    return 1;
}

int cl_can_clone_behind(const struct cl_plan *plan) {
    static const uint64_t to_parent[ARGUMENTS] = {CLONE_PARENT}, of_terminal[ARGUMENTS] = {0, TIOCSCTTY};
    const struct sock_filter *filter = (const struct sock_filter *)plan->seccomp;
    if (plan->flags & CL_PLAN_GATE && !can_wait_behind(plan)) return 0;
    for (size_t i = 0; i < sizeof after_clone / sizeof *after_clone; i++)
        if (!lets_pass(filter, plan->seccomp_count, after_clone[i], NULL)) return 0;
    if (plan->flags & CL_PLAN_TERMINAL && !lets_pass(filter, plan->seccomp_count, SYS_ioctl, of_terminal)) return 0;
    return lets_pass(filter, plan->seccomp_count, SYS_clone, to_parent);
}

/* -1 with errno; else 0, or the listener that the flags ask for. */
static int load(const struct cl_plan *plan) {
    struct sock_fprog program = {
        .len = (unsigned short)plan->seccomp_count,
        .filter = (struct sock_filter *)plan->seccomp,
    };
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->seccomp_flags, &program);
}

void cl_load_filter_early(struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    int has_manners = plan->scheduler || plan->has_io_priority || plan->affinity || plan->has_personality || plan->has_memory_policy;
    if (!CL_KEEPS(SECCOMP) || !plan->seccomp || child->is_filtered || has_manners || plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return;
    if (!can_wait_behind(plan)) return;
    if (plan->flags & CL_PLAN_NO_NEW_PRIVILEGES && CL_KEEPS(PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return;
    child->is_filtered = load(plan) == 0;
}

void cl_load_filter(struct cl_child *child) {
    if (!CL_KEEPS(SECCOMP) || !child->plan->seccomp || child->is_filtered) return;
    int result = load(child->plan);
    if (result < 0) cl_fail(child, CL_STAGE_SECCOMP, 0, errno);
    child->is_filtered = 1;
    if (!(child->plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)) return;
    cl_send_descriptor(child, CL_STATUS_LISTENER, CL_STAGE_LISTENER, result);
    close(result);
}
