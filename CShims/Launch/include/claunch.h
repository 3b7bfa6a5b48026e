/* The launch path: from a flat plan to a process that has exec'd in its container. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

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
};

/* What was being done, in words; NULL for an unknown number. */
const char *cl_stage_name(uint32_t stage);
