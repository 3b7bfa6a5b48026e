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
    CL_STAGE_ID_MAP = 32,
    CL_STAGE_TIME = 33,
    CL_STAGE_SCHEDULING = 34,
    CL_STAGE_PERSONALITY = 35,
    CL_STAGE_LABEL = 36,
    CL_STAGE_KEYRING = 37,
    CL_STAGE_START = 38,
    CL_STAGE_LISTENER = 39,
    CL_STAGE_IDENTITIES = 40, /* index: of a layer, or of a mount with CL_IDENTITIES_OF_MOUNT */
    CL_STAGE_NULL_DEVICE = 41,
    CL_STAGE_HOOK = 42, /* code: an errno, or the exit code negated; its words are the hook's */
    CL_STAGE_MEMORY_POLICY = 43,
    CL_STAGE_RECORD = 44,
};

enum { CL_IDENTITIES_OF_MOUNT = 1 << 16 };

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
    CL_RECORD_NAMESPACE = 21,  /* u32 CLONE_NEW*, string: the file of one to join, empty for a new one */
    CL_RECORD_HOSTNAME = 22,   /* string */
    CL_RECORD_DOMAIN_NAME = 23, /* string */
    CL_RECORD_PARAMETER = 24,  /* name\0 value\0, the name with slashes, beneath /proc/sys */
    CL_RECORD_TIME_OFFSETS = 25, /* string for /proc/self/timens_offsets */
    CL_RECORD_ROOT_TREE = 26,  /* i32 detached mount, u32 MS_* of the finished root or 0 */
    CL_RECORD_FILESYSTEM = 27, /* u32 CL_FILESYSTEM_*, i32 tree, u64 attributes set, cleared, type\0 source\0 target\0 options "k=v\0"... */
    CL_RECORD_NODE = 28,       /* a device like CL_RECORD_DEVICE, anywhere in the container */
    CL_RECORD_SCHEDULER = 29,  /* u32 policy, i32 nice, u32 priority, u32 0, u64 flags, runtime, deadline, period */
    CL_RECORD_IO_PRIORITY = 30, /* u32 as ioprio_set takes it */
    CL_RECORD_PERSONALITY = 31, /* u32 */
    CL_RECORD_PRESERVE = 32,   /* u32: so many descriptors from 3 on stay open */
    CL_RECORD_SECCOMP_FLAGS = 33, /* u32 SECCOMP_FILTER_FLAG_* */
    CL_RECORD_LABEL = 34,      /* file\0 text\0: written to a file of /proc/self/attr before execve */
    CL_RECORD_AFFINITY = 36,   /* processors as a mask of bytes */
    CL_RECORD_STREAM_OWNER = 37, /* u32: who owns the pipes, as the host counts */
    CL_RECORD_HOOK = 38,       /* u32 CL_HOOK_*, i32 milliseconds (-1: for ever), u32 arguments, variables (or CL_HOOK_INHERITS), then path\0 and those */
    CL_RECORD_BUNDLE = 39,     /* directory\0 root\0 state\0: where hooks find the container's root; JSON without its last brace */
    CL_RECORD_MEMORY_POLICY = 40, /* u32 mode as set_mempolicy takes it, u32 0, nodes as a mask of bytes */
    CL_RECORD_HOOK_PATIENCE = 41, /* u32 milliseconds from the call that launches, or starts, to the end of its hooks */
    CL_RECORD_MOUNT_LABEL = 42, /* string: SELinux's, for the filesystems that are made */
};

enum { CL_LONGEST_LABEL = 255 };
/* Of a file system, where it is not mounted the old way: the new mount interface holds 256 bytes. */
enum { CL_LONGEST_OPTION = 250 };

enum {
    CL_PLAN_NEW_PID = 1,
    CL_PLAN_NO_NEW_PRIVILEGES = 2,
    CL_PLAN_TERMINAL = 4,
    CL_PLAN_ROOT_READ_ONLY = 8,
    CL_PLAN_DEVICE_PROGRAM = 16,
    CL_PLAN_POD_PID = 32, /* the pid namespace that the pod's containers share */
    CL_PLAN_EXPLICIT = 64, /* namespaces are those of the records alone; the process outlives the one that launches it */
    CL_PLAN_MAPPED = 128, /* waits for a byte once cloned, until its ids are mapped */
    CL_PLAN_HOOKS = 256,  /* its mounts made, has hooks run before it leaves the host's root: a pod's container runs them itself, another says
                           * CL_STATUS_CREATED and waits for a byte */
    CL_PLAN_DEVICE_LINKS = 512, /* /dev/fd and the like */
    CL_PLAN_GATE = 1024, /* once ready and told to go on, waits at the launch's gate for a start */
    CL_PLAN_BECOME_ROOT = 2048, /* takes the id 0 of the user namespace that it entered */
    CL_PLAN_UNPRIVILEGED = 4096, /* without rights in the initial user namespace */
    CL_PLAN_FIND_HOME = 8192, /* the last variable is HOME, for the container's own user database to say */
    CL_PLAN_KEEP_KEYRING = 16384, /* has the session keyring of whoever launches it */
    CL_PLAN_AWAIT = 32768, /* with CL_PLAN_HOOKS in a pod: says CL_STATUS_CREATED and waits for a byte before those that it runs itself */
    CL_PLAN_OWN_QUEUES = 65536, /* the message queues of its ipc namespace are labelled as what is mounted for it */
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
    CL_MOUNT_FILESYSTEM = 9,
    CL_MOUNT_OWN = 10, /* a directory of the container's root, which stays writable where the root is not */
};
enum {
    CL_FILESYSTEM_COPY_UP = 1,  /* starts with what the target holds */
    CL_FILESYSTEM_CHANGE = 2,   /* changes the attributes of what is mounted at the target */
    CL_FILESYSTEM_NO_LINKS = 4, /* the target's path holds no symbolic links */
    CL_FILESYSTEM_OPTIONAL = 8, /* left out, with a warning, where the kernel refuses it */
    CL_FILESYSTEM_UNBINDABLE = 16,
    CL_FILESYSTEM_BENEATH = 32, /* and so are the mounts beneath */
};
enum {
    CL_MOUNT_READ_ONLY = 1,
    CL_MOUNT_NO_SUID = 2,
    CL_MOUNT_NO_DEVICES = 4,
    CL_MOUNT_NO_EXEC = 8,
    CL_MOUNT_RECURSIVE = 16,
    CL_MOUNT_RECURSIVE_ATTRIBUTES = 32,
    CL_MOUNT_MAPPED = 64, /* in a pod with a user namespace of its own: ids on disk are those in it */
    CL_MOUNT_MAKE_SOURCE = 128, /* a source that is missing becomes a directory */
};
enum { CL_PROPAGATION_PRIVATE = 0, CL_PROPAGATION_FROM_HOST = 1, CL_PROPAGATION_BOTH = 2 };

/* When a hook runs: before the container leaves the host's root, or in the place of its program just before that. */
enum { CL_HOOK_CREATE = 0, CL_HOOK_START = 1 };
/* In the place of a count of variables: it has those of the container's program. */
#define CL_HOOK_INHERITS UINT32_MAX

/* Bounds; a plan beyond them is refused with E2BIG. */
enum {
    CL_MAX_LAYERS = 500, /* the kernel's own limit */
    CL_MAX_MOUNTS = 256,
    CL_MAX_PATHS = 8192 + 256, /* one for each processor that a kernel may have, and others */
    CL_MAX_DEVICES = 256,
    CL_MAX_RULES = 256,
    CL_MAX_LIMITS = 32,
    CL_MAX_GROUPS = 65536,
    CL_MAX_STRINGS = 1 << 16,
    CL_MAX_SECCOMP = 4096,
    CL_MAX_NAMESPACES = 8,
    CL_MAX_PARAMETERS = 256,
    CL_MAX_PRESERVED = 1024,
    CL_MAX_HOOKS = 64,
    CL_MAX_HOOK_WORDS = 1024, /* arguments and variables of one */
    CL_MAX_STATE = 60 << 10,  /* with what is added it fits into a pipe */
};
/* In a rule's type: what it names is refused. Later rules win over earlier ones; type 0 is every device. */
enum { CL_RULE_DENY = 1 << 16 };

struct cl_mount {
    uint32_t kind, flags, propagation;
    int32_t tree;
    const char *source, *target;
    const char *options; /* strings one after another */
    uint32_t options_size;
    const char *type; /* of CL_MOUNT_FILESYSTEM, as are these */
    uint64_t set, clear;
};
struct cl_namespace {
    uint32_t kind;
    const char *path;
};
struct cl_parameter {
    const char *name, *value;
};
struct cl_hook {
    uint32_t station;
    int32_t milliseconds;
    uint32_t argc, envc;
    const char *path, *words; /* arguments and then variables, one after another */
};
struct cl_scheduler {
    uint32_t policy;
    int32_t nice;
    uint32_t priority, reserved;
    uint64_t flags, runtime, deadline, period;
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
    struct cl_namespace namespaces[CL_MAX_NAMESPACES];
    struct cl_parameter *parameters;
    struct cl_hook *hooks;
    uint32_t namespace_count, parameter_count, hook_count;
    const char *bundle, *bundle_root, *state;
    const char *hostname, *domain_name, *time_offsets, *label_file, *label, *mount_label;
    const struct cl_scheduler *scheduler;
    const void *affinity, *nodes;
    uint32_t nodes_size, memory_policy, affinity_size, root_spread, io_priority, personality, preserved, seccomp_flags, stream_owner, hook_patience;
    int32_t root_tree, has_io_priority, has_personality, has_stream_owner, has_memory_policy;
    void *arena;
};

/* Reads a plan: 0 or a negated errno. `bytes` must be aligned to eight and outlive the plan. */
int32_t cl_plan_read(const void *bytes, uint64_t size, struct cl_plan *plan);
void cl_plan_free(struct cl_plan *plan);
