#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
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

/* Whether the filter lets a call pass whatever its arguments. A program that looks at them, or does anything that the one of a plain
 * profile does not, is not followed: no. Jumps lead forward only, so it ends. */
static int lets_pass(const struct sock_filter *filter, uint32_t count, int number) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct sock_filter *at = &filter[i];
        switch (at->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (at->k == offsetof(struct seccomp_data, nr)) value = (uint32_t)number;
            else if (at->k == offsetof(struct seccomp_data, arch)) value = (uint32_t)ARCHITECTURE;
            else return 0;
            break;
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
        if (!lets_pass((const struct sock_filter *)plan->seccomp, plan->seccomp_count, after_gate[i])) return 0;
    return 1;
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
    int has_manners = plan->scheduler || plan->has_io_priority || plan->affinity || plan->has_personality;
    if (!CL_KEEPS(SECCOMP) || !plan->seccomp || has_manners || plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) return;
    if (!can_wait_behind(plan)) return;
    if (plan->flags & CL_PLAN_NO_NEW_PRIVILEGES && CL_KEEPS(PRIVILEGES) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return;
    child->is_filtered = load(plan) == 0;
}

void cl_load_filter(const struct cl_child *child) {
    if (!CL_KEEPS(SECCOMP) || !child->plan->seccomp || child->is_filtered) return;
    int result = load(child->plan);
    if (result < 0) cl_fail(child, CL_STAGE_SECCOMP, 0, errno);
    if (!(child->plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)) return;
    cl_send_descriptor(child, CL_STATUS_LISTENER, CL_STAGE_LISTENER, result);
    close(result);
}
