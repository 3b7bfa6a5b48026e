/* The launch path: from a flat plan to a process that has exec'd in its container.
 *
 * A plan is a sequence of records, made by `encoded` of `LaunchPlan`, `ProcessPlan` or `BundlePlan` and read here: a 32-bit
 * kind, a 32-bit payload length, the payload, and zeroes up to a multiple of eight. Numbers are in the machine's byte order,
 * strings end in NUL. Everything is checked while reading, before anything is cloned; the child allocates nothing. */
#pragma once
#include <stdint.h>

#include "cmonitor.h"
#include "cmounts.h"
#include "cplan.h"
#include "cruntime.h"
#include "cspawn.h"

/* What the parent hands to a launch. Descriptors stay the caller's. */
struct cl_launch {
    const struct cl_plan *plan;
    int32_t cgroup;       /* directory of the container's cgroup */
    int32_t join_pidfd;   /* an exec session: the container's first process; else -1 */
    int32_t join_pid;     /* the same process's number, for its OOM score */
    int32_t pod_pidfd;    /* the pod's number 1, for a plan with CL_PLAN_POD_PID; else -1 */
    int32_t own_pid_ns;   /* the caller's /proc/self/ns/pid, to come back to after joining */
    int32_t stdio[3];     /* ignored with a terminal */
    int32_t null_mount;   /* cl_mount_null's; -1: the child makes its own where it needs one */
    const int32_t *trees; /* detached mounts that the plan's mounts refer to by index */
    uint32_t tree_count;
    /* For plans of the runtime specification (CL_PLAN_EXPLICIT); zero otherwise. */
    uint32_t join_kinds;  /* an exec session: the namespaces to join, CLONE_NEW*; 0 those of a pod's container */
    int32_t join_root;    /* and its root, where that is not its mount namespace's; -1 */
    int32_t goes;         /* it goes on to execve without cl_go */
    int32_t gate;         /* a listening socket: where the first process waits for its start */
    int32_t own_mount;    /* crt_take_own_mount's; -1 */
    uint32_t ahead;       /* CLONE_NEW*: of the new namespaces those that are made ahead, to be taken (crt_network_take, crt_root_take) */
    int32_t record;       /* the container's directory: once it is ready and told to go on, the first process publishes the record there, and only then says
                           * CL_STATUS_READY; -1: the caller publishes it */
};

/* A process between, which makes the child. */
struct cl_between {
    int32_t pid;    /* 0: there is none */
    int32_t pidfd;  /* closed once cl_launch_start has returned; -1 of one that had our memory */
    int32_t answer; /* can be read once it has told what came of it; -1: that was taken, or is in `code` */
    int32_t *made;  /* shared with it alone: the kernel writes the child's number there, from within its clone */
    int32_t number, code; /* of one that had our memory, and has ended: the child's number, and what stood in its way */
};

struct cl_launched {
    int32_t pid;
    int32_t pidfd;
    int32_t control; /* status records come from it, cl_go writes to it */
    uint32_t index;  /* of a failure: which mount, path or device */
    struct cl_between between;
};

/* One message on the control socket, from child to parent. End of file after CL_STATUS_EXECUTING means it has exec'd. */
enum {
    CL_STATUS_WARNING = 1,
    CL_STATUS_ERROR = 2,
    CL_STATUS_TERMINAL = 3, /* carries the terminal's master */
    CL_STATUS_READY = 4,
    CL_STATUS_EXECUTING = 5,
    CL_STATUS_CREATED = 6,  /* in its namespaces, before it leaves the host's root */
    CL_STATUS_LISTENER = 7, /* carries the seccomp listener */
};
struct cl_status {
    uint32_t kind;
    uint32_t stage;
    int32_t code;
    uint32_t index; /* which mount, path or device */
};
/* A warning or an error may have words of the kernel's behind it, in the same message: so many bytes at most. */
enum { CL_WORDS = 256 };

/* Clones the child. 0, or a negated errno with *stage set. The child waits for cl_go. */
int32_t cl_launch_start(const struct cl_launch *launch, struct cl_launched *out, uint32_t *stage);
/* The same without a wait for a process between, which a file system or a container's own processes may hold up: where one makes the child, pid and pidfd are
 * not set yet. */
int32_t cl_launch_begin(const struct cl_launch *launch, struct cl_launched *out, uint32_t *stage);
/* What came of that, once the answer can be read or the process between has ended: as cl_launch_start. That process is left to be collected by the caller,
 * who may have killed it. */
int32_t cl_launch_finish(struct cl_launched *launched, uint32_t *stage);
void cl_collect(int32_t between);
/* Loads a device program: a descriptor or a negated errno. It costs one to two milliseconds, so the daemon loads the usual
 * one for all its monitors. */
int32_t cl_device_program_load(const struct cl_rule *rules, uint32_t count);
/* Takes over such a descriptor: launches with the same rules will use it. */
void cl_device_program_adopt(const struct cl_rule *rules, uint32_t count, int32_t program);
/* Starts a pod's number 1, which does nothing but hold the pid namespace; its pid or a negated errno. */
int32_t cl_pod_init_start(int32_t *pidfd);
/* Lets the child go on to execve. */
int32_t cl_go(int32_t control);
/* Reads one status without waiting: 1 a record, 0 end of file, -EAGAIN none yet. *descriptor is -1 or a master. */
int32_t cl_status_read(int32_t control, struct cl_status *status, int32_t *descriptor);
/* The same with the words that came with it, of at most CL_WORDS bytes and a zero. */
int32_t cl_status_read_words(int32_t control, struct cl_status *status, int32_t *descriptor, char *words);
/* Reaps without waiting: 1 gone (code as CLD_*, value the exit code or signal), 0 still there. */
int32_t cl_reap(int32_t pidfd, int32_t *code, int32_t *value);
/* The same with waiting: one whose end is told already, but which another process traces, cannot be reaped before that lets go of it. */
int32_t cl_await_end(int32_t pidfd, int32_t *code, int32_t *value);

/* Whether one of the launch's streams is the null device, to be had through a mount of it alone. */
int32_t cl_takes_null(const struct cl_launch *launch);
/* Such a mount: read-only, and seen by nobody else; -1 with errno. As long as the descriptor is open whoever has a user namespace of their own can make
 * the mount writable again through any file of it: it must be closed before a program of the container's is executed. That takes the kernel a twentieth
 * to a sixth of a millisecond, so it had better be done where nothing waits for it. */
int32_t cl_mount_null(void);

/* What was being done, in words; NULL for an unknown number. */
const char *cl_stage_name(uint32_t stage);
