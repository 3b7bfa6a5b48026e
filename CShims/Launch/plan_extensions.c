#include <errno.h>

#include "child.h"
#include "plan_record.h"

int cl_plan_read_filesystem(const struct cl_record *record, struct cl_plan *plan) {
    uint32_t used, offset = 24;
    if (record->size < offset + 4) return -EINVAL;
    struct cl_mount *mount = &plan->mounts[plan->mount_count++];
    mount->kind = CL_MOUNT_FILESYSTEM;
    mount->flags = cl_u32(record, 0);
    mount->tree = (int32_t)cl_u32(record, 1);
    mount->set = cl_u64(record, 1);
    mount->clear = cl_u64(record, 2);
    const char **texts[] = {&mount->type, &mount->source, &mount->target};
    for (int i = 0; i < 3; i++) {
        if (!(*texts[i] = cl_string_at(record, offset, &used))) return -EINVAL;
        offset += used;
    }
    if (mount->target[0] != '/') return -EINVAL;
    mount->options = (const char *)record->payload + offset;
    mount->options_size = record->size - offset;
    return mount->options_size && record->payload[record->size - 1] != 0 ? -EINVAL : 0;
}

static int read_namespace(const struct cl_record *record, struct cl_plan *plan) {
    uint32_t used;
    if (record->size < 5) return -EINVAL;
    struct cl_namespace *namespace = &plan->namespaces[plan->namespace_count++];
    namespace->kind = cl_u32(record, 0);
    namespace->path = cl_string_at(record, 4, &used);
    return namespace->path ? 0 : -EINVAL;
}

static int read_pair(const struct cl_record *record, const char **first, const char **second) {
    uint32_t used;
    if (!(*first = cl_string_at(record, 0, &used)) || !(*second = cl_string_at(record, used, &used))) return -EINVAL;
    return 0;
}

static int read_parameter(const struct cl_record *record, struct cl_plan *plan) {
    struct cl_parameter *parameter = &plan->parameters[plan->parameter_count++];
    return read_pair(record, &parameter->name, &parameter->value);
}

static int read_hook(const struct cl_record *record, struct cl_plan *plan) {
    uint32_t used, offset = 16, count = 0;
    if (record->size <= offset) return -EINVAL;
    struct cl_hook *hook = &plan->hooks[plan->hook_count++];
    hook->station = cl_u32(record, 0);
    hook->milliseconds = (int32_t)cl_u32(record, 1);
    hook->argc = cl_u32(record, 2);
    hook->envc = cl_u32(record, 3);
    uint32_t variables = hook->envc == CL_HOOK_INHERITS ? 0 : hook->envc;
    if (hook->argc > CL_MAX_HOOK_WORDS || variables > CL_MAX_HOOK_WORDS - hook->argc) return -E2BIG;
    if (!(hook->path = cl_string_at(record, offset, &used)) || hook->path[0] != '/') return -EINVAL;
    offset += used;
    hook->words = (const char *)record->payload + offset;
    for (; offset < record->size; offset += used, count++)
        if (!cl_string_at(record, offset, &used)) return -EINVAL;
    return hook->station > CL_HOOK_START || count != hook->argc + variables ? -EINVAL : 0;
}

static int read_bundle(const struct cl_record *record, struct cl_plan *plan) {
    uint32_t used, more;
    if (!(plan->bundle = cl_string_at(record, 0, &used)) || !(plan->bundle_root = cl_string_at(record, used, &more))) return -EINVAL;
    if (!(plan->state = cl_string_at(record, used + more, &used))) return -EINVAL;
    return used > CL_MAX_STATE ? -E2BIG : 0;
}

static int read_root_tree(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size != 8) return -EINVAL;
    plan->root_tree = (int32_t)cl_u32(record, 0);
    plan->root_spread = cl_u32(record, 1);
    return plan->root_tree < 0 ? -EINVAL : 0;
}

static int read_affinity(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size == 0 || record->size > 1024 || record->size % 8) return -EINVAL;
    plan->affinity = record->payload;
    plan->affinity_size = record->size;
    return 0;
}

static int read_memory_policy(const struct cl_record *record, struct cl_plan *plan) {
    if (record->size < 8 || record->size > 1024 || record->size % 8) return -EINVAL;
    plan->has_memory_policy = 1;
    plan->memory_policy = cl_u32(record, 0);
    plan->nodes = record->size > 8 ? record->payload + 8 : NULL;
    plan->nodes_size = record->size - 8;
    return 0;
}

/* One is an option of the new mount interface, and of the older one in quotes, which it must not end. */
static int read_mount_label(const struct cl_record *record, struct cl_plan *plan) {
    if (!(plan->mount_label = cl_string(record))) return -EINVAL;
    for (const char *at = plan->mount_label; *at; at++)
        if (*at == '"' || (unsigned char)*at < ' ' || *at == 0x7f) return -EINVAL;
    if (strlen(plan->mount_label) > CL_LONGEST_LABEL) return -E2BIG;
    if (!CL_KEEPS(MOUNT_LABEL)) plan->mount_label = NULL;
    return 0;
}

static int read_number(const struct cl_record *record, uint32_t *number, int32_t *has) {
    if (record->size != 4) return -EINVAL;
    *number = cl_u32(record, 0);
    if (has) *has = 1;
    return 0;
}

int cl_plan_read_extension(const struct cl_record *record, struct cl_plan *plan) {
    switch (record->kind) {
    case CL_RECORD_NAMESPACE: return read_namespace(record, plan);
    case CL_RECORD_HOSTNAME: return (plan->hostname = cl_string(record)) ? 0 : -EINVAL;
    case CL_RECORD_DOMAIN_NAME: return (plan->domain_name = cl_string(record)) ? 0 : -EINVAL;
    case CL_RECORD_PARAMETER: return read_parameter(record, plan);
    case CL_RECORD_TIME_OFFSETS: return (plan->time_offsets = cl_string(record)) ? 0 : -EINVAL;
    case CL_RECORD_ROOT_TREE: return read_root_tree(record, plan);
    case CL_RECORD_SCHEDULER:
        plan->scheduler = (const struct cl_scheduler *)record->payload;
        return record->size == sizeof *plan->scheduler ? 0 : -EINVAL;
    case CL_RECORD_IO_PRIORITY: return read_number(record, &plan->io_priority, &plan->has_io_priority);
    case CL_RECORD_PERSONALITY: return read_number(record, &plan->personality, &plan->has_personality);
    case CL_RECORD_PRESERVE:
        return read_number(record, &plan->preserved, NULL) || plan->preserved > CL_MAX_PRESERVED ? -EINVAL : 0;
    case CL_RECORD_SECCOMP_FLAGS: return read_number(record, &plan->seccomp_flags, NULL);
    case CL_RECORD_LABEL: return read_pair(record, &plan->label_file, &plan->label);
    case CL_RECORD_MOUNT_LABEL: return read_mount_label(record, plan);
    case CL_RECORD_STREAM_OWNER: return read_number(record, &plan->stream_owner, &plan->has_stream_owner);
    case CL_RECORD_AFFINITY: return read_affinity(record, plan);
    case CL_RECORD_MEMORY_POLICY: return read_memory_policy(record, plan);
    case CL_RECORD_HOOK: return read_hook(record, plan);
    case CL_RECORD_BUNDLE: return read_bundle(record, plan);
    case CL_RECORD_HOOK_PATIENCE: return read_number(record, &plan->hook_patience, NULL);
    }
    return -EINVAL;
}
