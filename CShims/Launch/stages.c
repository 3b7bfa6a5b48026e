#include <stddef.h>

#include "claunch.h"

static const char *const names[] = {
    [CL_STAGE_PLAN] = "reading the plan",
    [CL_STAGE_CGROUP] = "opening the cgroup",
    [CL_STAGE_JOIN] = "joining the container's namespaces",
    [CL_STAGE_CLONE] = "creating the process",
    [CL_STAGE_DEVICE_PROGRAM] = "attaching the device program",
    [CL_STAGE_SIGNALS] = "resetting signals",
    [CL_STAGE_STDIO] = "setting up standard streams",
    [CL_STAGE_MOUNT_SOURCE] = "opening a mount's source",
    [CL_STAGE_PROPAGATION] = "making mounts private",
    [CL_STAGE_ROOT] = "opening the root directory",
    [CL_STAGE_OVERLAY] = "mounting the layers",
    [CL_STAGE_PIVOT] = "changing the root",
    [CL_STAGE_MOUNT] = "mounting",
    [CL_STAGE_MOUNT_TARGET] = "making a mount's target",
    [CL_STAGE_DEVICES] = "making device nodes",
    [CL_STAGE_TERMINAL] = "opening the terminal",
    [CL_STAGE_MASK] = "masking a path",
    [CL_STAGE_READ_ONLY] = "making a path read-only",
    [CL_STAGE_CWD] = "entering the working directory",
    [CL_STAGE_OOM_SCORE] = "setting the OOM score",
    [CL_STAGE_LIMITS] = "setting resource limits",
    [CL_STAGE_CAPABILITIES] = "setting capabilities",
    [CL_STAGE_USER] = "setting user and groups",
    [CL_STAGE_SECCOMP] = "loading the seccomp filter",
    [CL_STAGE_PRIVILEGES] = "setting no_new_privs",
    [CL_STAGE_DESCRIPTORS] = "closing descriptors",
    [CL_STAGE_EXEC] = "executing the program",
    [CL_STAGE_NAMESPACES] = "making namespaces",
    [CL_STAGE_LOST] = "waiting for the process",
    [CL_STAGE_HOSTNAME] = "setting the host name",
    [CL_STAGE_KERNEL_PARAMETER] = "setting a kernel parameter",
    [CL_STAGE_ID_MAP] = "mapping user and group ids",
    [CL_STAGE_TIME] = "setting clock offsets",
    [CL_STAGE_SCHEDULING] = "setting scheduling",
    [CL_STAGE_PERSONALITY] = "setting the personality",
    [CL_STAGE_LABEL] = "setting the security label",
    [CL_STAGE_KEYRING] = "making a session keyring",
    [CL_STAGE_START] = "waiting for the start",
    [CL_STAGE_LISTENER] = "handing over the seccomp listener",
    [CL_STAGE_IDENTITIES] = "mapping the ids of files",
    [CL_STAGE_NULL_DEVICE] = "guarding the null device of a standard stream, which root in the container could change for the whole host",
    [CL_STAGE_HOOK] = "running a hook",
    [CL_STAGE_MEMORY_POLICY] = "setting the memory policy",
    [CL_STAGE_RECORD] = "publishing the container's record",
};

const char *cl_stage_name(uint32_t stage) {
    return stage < sizeof names / sizeof names[0] ? names[stage] : NULL;
}
