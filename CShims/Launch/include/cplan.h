/* The flat plan: its records, and the form it has after reading. */
#pragma once
#include <stdint.h>

/* Where a launch can fail. Both sides of the monitor's socket know these numbers: append, never renumber. */
enum {
    CL_STAGE_NONE = 0,
    CL_STAGE_PLAN = 1,
    CL_STAGE_CGROUP = 2,
    CL_STAGE_JOIN = 3,
    CL_STAGE_CLONE = 4,
    CL_STAGE_DEVICE_PROGRAM = 5,
    CL_STAGE_SIGNALS = 6,
    CL_STAGE_STDIO = 7,
    CL_STAGE_MOUNT_SOURCE = 8,
    CL_STAGE_PROPAGATION = 9,
    CL_STAGE_ROOT = 10,
    CL_STAGE_OVERLAY = 11,
    CL_STAGE_PIVOT = 12,
    CL_STAGE_MOUNT = 13,
    CL_STAGE_MOUNT_TARGET = 14,
    CL_STAGE_DEVICES = 15,
    CL_STAGE_TERMINAL = 16,
    CL_STAGE_MASK = 17,
    CL_STAGE_READ_ONLY = 18,
    CL_STAGE_CWD = 19,
    CL_STAGE_OOM_SCORE = 20,
    CL_STAGE_LIMITS = 21,
    CL_STAGE_CAPABILITIES = 22,
    CL_STAGE_USER = 23,
    CL_STAGE_SECCOMP = 24,
    CL_STAGE_PRIVILEGES = 25,
    CL_STAGE_DESCRIPTORS = 26,
    CL_STAGE_EXEC = 27,
    CL_STAGE_NAMESPACES = 28,
    CL_STAGE_LOST = 29,
    CL_STAGE_HOSTNAME = 30,
    CL_STAGE_KERNEL_PARAMETER = 31,
};

/* Record kinds. Append, never renumber. */
enum {
    CL_RECORD_FLAGS = 1,       /* u32 CL_PLAN_* */
    CL_RECORD_ARGUMENT = 2,    /* string */
    CL_RECORD_ENVIRONMENT = 3, /* string */
    CL_RECORD_CWD = 4,         /* string */
    CL_RECORD_USER = 5,        /* u32 uid, gid, umask, then the groups */
    CL_RECORD_CAPABILITIES = 6, /* u64 effective, permitted, inheritable, bounding, ambient */
    CL_RECORD_SECCOMP = 7,     /* struct sock_filter, 8 bytes each */
    CL_RECORD_LIMIT = 8,       /* u32 resource, u32 0, u64 soft, u64 hard */
    CL_RECORD_OOM_SCORE = 9,   /* i32 */
    CL_RECORD_TERMINAL = 10,   /* u16 columns, u16 rows */
    CL_RECORD_ROOT = 11,       /* string: a directory */
    CL_RECORD_LAYER = 12,      /* string: an overlay's lower directory, topmost first */
    CL_RECORD_UPPER = 13,      /* string */
    CL_RECORD_WORK = 14,       /* string */
    CL_RECORD_MOUNT = 15,      /* u32 kind, flags, propagation, i32 tree, source\0 target\0 options "k=v\0"... */
    CL_RECORD_DEVICE = 16,     /* u32 mode with type, major, minor, uid, gid, path\0 */
    CL_RECORD_DEVICE_RULE = 17, /* u32 type, access, i64 major, minor (-1: all) */
    CL_RECORD_MASK = 18,       /* string */
    CL_RECORD_READ_ONLY = 19,  /* string */
    CL_RECORD_CGROUP = 20,     /* string: a directory of the host */
};

enum {
    CL_PLAN_NEW_PID = 1,
    CL_PLAN_NO_NEW_PRIVILEGES = 2,
    CL_PLAN_TERMINAL = 4,
    CL_PLAN_ROOT_READ_ONLY = 8,
    CL_PLAN_DEVICE_PROGRAM = 16,
    CL_PLAN_POD_PID = 32, /* the pid namespace that the pod's containers share */
};

enum {
    CL_MOUNT_BIND = 1,
    CL_MOUNT_TREE = 2,
    CL_MOUNT_TMPFS = 3,
    CL_MOUNT_PROC = 4,
    CL_MOUNT_SYSFS = 5,
    CL_MOUNT_CGROUP = 6,
    CL_MOUNT_MQUEUE = 7,
    CL_MOUNT_DEVICES = 8,
};
enum {
    CL_MOUNT_READ_ONLY = 1,
    CL_MOUNT_NO_SUID = 2,
    CL_MOUNT_NO_DEVICES = 4,
    CL_MOUNT_NO_EXEC = 8,
    CL_MOUNT_RECURSIVE = 16,
    CL_MOUNT_RECURSIVE_ATTRIBUTES = 32,
};
enum { CL_PROPAGATION_PRIVATE = 0, CL_PROPAGATION_FROM_HOST = 1, CL_PROPAGATION_BOTH = 2 };

/* Bounds; a plan beyond them is refused with E2BIG. */
enum {
    CL_MAX_LAYERS = 60,
    CL_MAX_MOUNTS = 256,
    CL_MAX_PATHS = 256,
    CL_MAX_DEVICES = 256,
    CL_MAX_RULES = 256,
    CL_MAX_LIMITS = 32,
    CL_MAX_GROUPS = 65536,
    CL_MAX_STRINGS = 1 << 16,
    CL_MAX_SECCOMP = 4096,
};

struct cl_mount {
    uint32_t kind, flags, propagation;
    int32_t tree;
    const char *source, *target;
    const char *options; /* strings one after another */
    uint32_t options_size;
};
struct cl_device {
    uint32_t mode, major, minor, uid, gid;
    const char *path;
};
struct cl_rule {
    uint32_t type, access;
    int64_t major, minor;
};
struct cl_limit {
    uint32_t resource;
    uint64_t soft, hard;
};

/* A plan after reading. Everything points into the bytes it was read from, or into one allocation of its own. */
struct cl_plan {
    uint32_t flags;
    char **argv, **envp;
    uint32_t argc, envc;
    const char *cwd, *root, *upper, *work, *cgroup;
    uint32_t uid, gid, umask, group_count;
    const uint32_t *groups;
    uint64_t effective, permitted, inheritable, bounding, ambient;
    const void *seccomp;
    uint32_t seccomp_count;
    int32_t has_oom_score, oom_score;
    uint16_t columns, rows;
    const char **layers, **masks, **read_only;
    uint32_t layer_count, mask_count, read_only_count;
    struct cl_mount *mounts;
    struct cl_device *devices;
    struct cl_rule *rules;
    struct cl_limit *limits;
    uint32_t mount_count, device_count, rule_count, limit_count;
    void *arena;
};

/* Reads a plan: 0 or a negated errno. `bytes` must be aligned to eight and outlive the plan. */
int32_t cl_plan_read(const void *bytes, uint64_t size, struct cl_plan *plan);
void cl_plan_free(struct cl_plan *plan);
