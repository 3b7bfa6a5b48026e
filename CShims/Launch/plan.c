#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_record.h"

/* The next record; 1 found, 0 end, -EINVAL broken. */
static int next(const uint8_t **at, const uint8_t *end, struct cl_record *record) {
    if (*at == end) return 0;
    if (end - *at < 8) return -EINVAL;
    memcpy(&record->kind, *at, 4);
    memcpy(&record->size, *at + 4, 4);
    record->payload = *at + 8;
    uint64_t padded = ((uint64_t)record->size + 7) & ~(uint64_t)7;
    if (padded > (uint64_t)(end - record->payload)) return -EINVAL;
    *at = record->payload + padded;
    return 1;
}

/* A string that fills the payload from an offset on; its length with NUL goes to *used. */
const char *cl_string_at(const struct cl_record *record, uint32_t offset, uint32_t *used) {
    if (offset >= record->size) return NULL;
    const uint8_t *start = record->payload + offset;
    const uint8_t *nul = memchr(start, 0, record->size - offset);
    if (!nul) return NULL;
    *used = (uint32_t)(nul - start) + 1;
    return (const char *)start;
}

const char *cl_string(const struct cl_record *record) {
    uint32_t used;
    const char *text = cl_string_at(record, 0, &used);
    return text && used == record->size ? text : NULL;
}

static int count(const uint8_t *at, const uint8_t *end, struct cl_plan *plan) {
    struct cl_record record;
    int found;
    while ((found = next(&at, end, &record)) > 0) {
        switch (record.kind) {
        case CL_RECORD_ARGUMENT: plan->argc++; break;
        case CL_RECORD_ENVIRONMENT: plan->envc++; break;
        case CL_RECORD_LAYER: plan->layer_count++; break;
        case CL_RECORD_MASK: plan->mask_count++; break;
        case CL_RECORD_READ_ONLY: plan->read_only_count++; break;
        case CL_RECORD_MOUNT:
        case CL_RECORD_FILESYSTEM: plan->mount_count++; break;
        case CL_RECORD_DEVICE:
        case CL_RECORD_NODE: plan->device_count++; break;
        case CL_RECORD_NAMESPACE: plan->namespace_count++; break;
        case CL_RECORD_PARAMETER: plan->parameter_count++; break;
        case CL_RECORD_DEVICE_RULE: plan->rule_count++; break;
        case CL_RECORD_LIMIT: plan->limit_count++; break;
        case CL_RECORD_HOOK: plan->hook_count++; break;
        }
    }
    return found;
}

static int within_bounds(const struct cl_plan *plan) {
    return plan->argc > 0 && plan->argc <= CL_MAX_STRINGS && plan->envc <= CL_MAX_STRINGS &&
           plan->layer_count <= CL_MAX_LAYERS && plan->mask_count <= CL_MAX_PATHS &&
           plan->read_only_count <= CL_MAX_PATHS && plan->mount_count <= CL_MAX_MOUNTS &&
           plan->device_count <= CL_MAX_DEVICES && plan->rule_count <= CL_MAX_RULES &&
           plan->limit_count <= CL_MAX_LIMITS && plan->namespace_count <= CL_MAX_NAMESPACES &&
           plan->parameter_count <= CL_MAX_PARAMETERS && plan->hook_count <= CL_MAX_HOOKS;
}

/* One allocation for every array; the counts become running indexes. */
static int allocate(struct cl_plan *plan) {
    size_t pointers = plan->argc + 1 + plan->envc + 1 + plan->layer_count + plan->mask_count + plan->read_only_count;
    size_t size = pointers * sizeof(char *) + plan->mount_count * sizeof(struct cl_mount) +
                  plan->device_count * sizeof(struct cl_device) + plan->rule_count * sizeof(struct cl_rule) +
                  plan->limit_count * sizeof(struct cl_limit) + plan->parameter_count * sizeof(struct cl_parameter) +
                  plan->hook_count * sizeof(struct cl_hook);
    char *arena = calloc(1, size);
    if (!arena) return -ENOMEM;
    plan->arena = arena;
#define TAKE(field, number) (plan->field = (void *)arena, arena += (number) * sizeof *plan->field)
    TAKE(mounts, plan->mount_count);
    TAKE(rules, plan->rule_count);
    TAKE(limits, plan->limit_count);
    TAKE(parameters, plan->parameter_count);
    TAKE(hooks, plan->hook_count);
    TAKE(argv, plan->argc + 1);
    TAKE(envp, plan->envc + 1);
    TAKE(layers, plan->layer_count);
    TAKE(masks, plan->mask_count);
    TAKE(read_only, plan->read_only_count);
    TAKE(devices, plan->device_count);
#undef TAKE
    plan->argc = plan->envc = plan->layer_count = plan->mask_count = plan->read_only_count = 0;
    plan->mount_count = plan->device_count = plan->rule_count = plan->limit_count = 0;
    plan->namespace_count = plan->parameter_count = plan->hook_count = 0;
    return 0;
}

static int read_mount(const struct cl_record *record, struct cl_plan *plan) {
    uint32_t used;
    if (record->size < 18) return -EINVAL;
    struct cl_mount *mount = &plan->mounts[plan->mount_count++];
    mount->kind = cl_u32(record, 0);
    mount->flags = cl_u32(record, 1);
    mount->propagation = cl_u32(record, 2);
    mount->tree = (int32_t)cl_u32(record, 3);
    if (mount->kind < CL_MOUNT_BIND || mount->kind > CL_MOUNT_OWN || mount->kind == CL_MOUNT_FILESYSTEM) return -EINVAL;
    if (mount->propagation > CL_PROPAGATION_BOTH) return -EINVAL;
    if (!(mount->source = cl_string_at(record, 16, &used))) return -EINVAL;
    uint32_t offset = 16 + used;
    if (!(mount->target = cl_string_at(record, offset, &used)) || mount->target[0] != '/') return -EINVAL;
    offset += used;
    mount->options = (const char *)record->payload + offset;
    mount->options_size = record->size - offset;
    if (mount->options_size && record->payload[record->size - 1] != 0) return -EINVAL;
    return 0;
}

static int read_device(const struct cl_record *record, struct cl_plan *plan) {
    static const char *const places[] = {"/dev/", "/"};
    const char *place = places[record->kind == CL_RECORD_NODE];
    uint32_t used;
    if (record->size < 22) return -EINVAL;
    struct cl_device *device = &plan->devices[plan->device_count++];
    device->mode = cl_u32(record, 0);
    device->major = cl_u32(record, 1);
    device->minor = cl_u32(record, 2);
    device->uid = cl_u32(record, 3);
    device->gid = cl_u32(record, 4);
    device->path = cl_string_at(record, 20, &used);
    size_t length = strlen(place);
    return device->path && strncmp(device->path, place, length) == 0 && device->path[length] ? 0 : -EINVAL;
}

static int read_rule(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size != 24) return -EINVAL;
    struct cl_rule *rule = &plan->rules[plan->rule_count++];
    rule->type = cl_u32(record, 0);
    rule->access = cl_u32(record, 1);
    rule->major = (int64_t)cl_u64(record, 1);
    rule->minor = (int64_t)cl_u64(record, 2);
    return 0;
}

static int read_user(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size < 12 || record->size % 4 || record->size / 4 - 3 > CL_MAX_GROUPS) return -EINVAL;
    plan->uid = cl_u32(record, 0);
    plan->gid = cl_u32(record, 1);
    plan->umask = cl_u32(record, 2);
    plan->groups = (const uint32_t *)(record->payload + 12);
    plan->group_count = record->size / 4 - 3;
    /* -1 means "unchanged" to setresuid: it would leave root in place */
    return plan->uid == UINT32_MAX || plan->gid == UINT32_MAX ? -EINVAL : 0;
}

static int read_seccomp(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size == 0 || record->size % 8 || record->size / 8 > CL_MAX_SECCOMP) return -EINVAL;
    plan->seccomp = record->payload;
    plan->seccomp_count = record->size / 8;
    return 0;
}

static int read_numbers(const struct cl_record *record, struct cl_plan *plan) {
    switch (record->kind) {
    case CL_RECORD_FLAGS:
        if (record->size != 4) return -EINVAL;
        plan->flags = cl_u32(record, 0);
        return 0;
    case CL_RECORD_CAPABILITIES:
        if (record->size != 40) return -EINVAL;
        plan->effective = cl_u64(record, 0);
        plan->permitted = cl_u64(record, 1);
        plan->inheritable = cl_u64(record, 2);
        plan->bounding = cl_u64(record, 3);
        plan->ambient = cl_u64(record, 4);
        return 0;
    case CL_RECORD_LIMIT:
        if (record->size != 24) return -EINVAL;
        plan->limits[plan->limit_count++] = (struct cl_limit){cl_u32(record, 0), cl_u64(record, 1), cl_u64(record, 2)};
        return 0;
    case CL_RECORD_OOM_SCORE:
        if (record->size != 4) return -EINVAL;
        plan->oom_score = (int32_t)cl_u32(record, 0);
        plan->has_oom_score = 1;
        return 0;
    case CL_RECORD_TERMINAL:
        if (record->size != 4) return -EINVAL;
        memcpy(&plan->columns, record->payload, 2);
        memcpy(&plan->rows, record->payload + 2, 2);
        return 0;
    }
    return -EINVAL;
}

static int read_record(const struct cl_record *record, struct cl_plan *plan) {
    const char *text = cl_string(record);
    switch (record->kind) {
    case CL_RECORD_ARGUMENT: return (plan->argv[plan->argc++] = (char *)text) ? 0 : -EINVAL;
    case CL_RECORD_ENVIRONMENT: return (plan->envp[plan->envc++] = (char *)text) ? 0 : -EINVAL;
    case CL_RECORD_CWD: return (plan->cwd = text) && text[0] == '/' ? 0 : -EINVAL;
    case CL_RECORD_ROOT: return (plan->root = text) ? 0 : -EINVAL;
    case CL_RECORD_LAYER: return (plan->layers[plan->layer_count++] = text) ? 0 : -EINVAL;
    case CL_RECORD_UPPER: return (plan->upper = text) ? 0 : -EINVAL;
    case CL_RECORD_WORK: return (plan->work = text) ? 0 : -EINVAL;
    case CL_RECORD_CGROUP: return (plan->cgroup = text) ? 0 : -EINVAL;
    case CL_RECORD_MASK: return (plan->masks[plan->mask_count++] = text) ? 0 : -EINVAL;
    case CL_RECORD_READ_ONLY: return (plan->read_only[plan->read_only_count++] = text) ? 0 : -EINVAL;
    case CL_RECORD_USER: return read_user(record, plan);
    case CL_RECORD_SECCOMP: return read_seccomp(record, plan);
    case CL_RECORD_MOUNT: return read_mount(record, plan);
    case CL_RECORD_FILESYSTEM: return cl_plan_read_filesystem(record, plan);
    case CL_RECORD_DEVICE:
    case CL_RECORD_NODE: return read_device(record, plan);
    case CL_RECORD_DEVICE_RULE: return read_rule(record, plan);
    default:
        if (record->kind >= CL_RECORD_NAMESPACE) return cl_plan_read_extension(record, plan);
        return read_numbers(record, plan);
    }
}

int32_t cl_plan_read(const void *bytes, uint64_t size, struct cl_plan *plan) {
    const uint8_t *at = bytes, *end = at + size;
    memset(plan, 0, sizeof *plan);
    plan->root_tree = -1;
    int code = count(at, end, plan);
    if (code) return code;
    if (!within_bounds(plan)) return -E2BIG;
    if ((code = allocate(plan))) return code;
    struct cl_record record;
    while (!code && next(&at, end, &record) > 0) code = read_record(&record, plan);
    if (!code && !plan->cwd) code = -EINVAL;
    if (!code && (plan->upper == NULL) != (plan->work == NULL)) code = -EINVAL;
    if (!code && plan->hook_count && !plan->bundle) code = -EINVAL;
    if (code) cl_plan_free(plan);
    return code;
}

void cl_plan_free(struct cl_plan *plan) {
    free(plan->arena);
    memset(plan, 0, sizeof *plan);
}
