#define _GNU_SOURCE
#include "cseccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t action_of(uint32_t action, uint32_t value) {
    switch (action) {
    case CSEC_ALLOW: return SCMP_ACT_ALLOW;
    case CSEC_ERRNO: return SCMP_ACT_ERRNO(value & 0xffff);
    case CSEC_KILL_THREAD: return SCMP_ACT_KILL_THREAD;
    case CSEC_TRAP: return SCMP_ACT_TRAP;
    case CSEC_LOG: return SCMP_ACT_LOG;
    case CSEC_NOTIFY: return SCMP_ACT_NOTIFY;
    case CSEC_TRACE: return SCMP_ACT_TRACE(value & 0xffff);
    default: return SCMP_ACT_KILL_PROCESS;
    }
}

void *csec_new(uint32_t action, uint32_t value) {
    scmp_filter_ctx filter = seccomp_init(action_of(action, value));
    if (!filter) return NULL;
    /* the launch path sets no_new_privs itself, and a search tree answers sooner than a list */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return filter;
}

void csec_free(void *filter) { seccomp_release(filter); }

int32_t csec_add_architecture(void *filter, const char *name) {
    uint32_t token = seccomp_arch_resolve_name(name);
    if (!token) return -EINVAL;
    int code = seccomp_arch_add(filter, token);
    return code == -EEXIST ? 0 : code;
}

int32_t csec_add_rule(void *filter, uint32_t action, uint32_t value, const char *name,
                      const struct csec_argument *arguments, uint32_t count) {
    static const enum scmp_compare operations[] = {
        [CSEC_NE] = SCMP_CMP_NE, [CSEC_LT] = SCMP_CMP_LT, [CSEC_LE] = SCMP_CMP_LE, [CSEC_EQ] = SCMP_CMP_EQ,
        [CSEC_GE] = SCMP_CMP_GE, [CSEC_GT] = SCMP_CMP_GT, [CSEC_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
    };
    struct scmp_arg_cmp compares[6];
    if (count > 6) return -EINVAL;
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct csec_argument *argument = &arguments[i];
        if (argument->operation < CSEC_NE || argument->operation > CSEC_MASKED_EQ || argument->index > 5) return -EINVAL;
        compares[i] = (struct scmp_arg_cmp){argument->index, operations[argument->operation], argument->value,
                                            argument->second};
    }
    int code = seccomp_rule_add_array(filter, action_of(action, value), number, count, compares);
    /* -EACCES: the same as the default, so the rule says nothing; -EEXIST: said before */
    return code == -EACCES || code == -EEXIST || code == -EDOM ? 0 : code;
}

int64_t csec_compile(void *filter, void *bytes, uint64_t capacity) {
    int file = memfd_create("seccomp", MFD_CLOEXEC);
    if (file < 0) return -errno;
    int64_t result = seccomp_export_bpf(filter, file);
    if (result == 0) {
        off_t size = lseek(file, 0, SEEK_END);
        result = size;
        if (size > 0 && (uint64_t)size <= capacity && pread(file, bytes, (size_t)size, 0) != size) result = -EIO;
    }
    close(file);
    return result;
}

uint32_t csec_native_audit_architecture(void) {
    switch (seccomp_arch_native()) {
    case SCMP_ARCH_X86_64: return AUDIT_ARCH_X86_64;
    case SCMP_ARCH_AARCH64: return AUDIT_ARCH_AARCH64;
    default: return 0;
    }
}

int32_t csec_call_number(const char *name) { return seccomp_syscall_resolve_name(name); }

int32_t csec_capability_number(const char *name) {
    cap_value_t number;
    return cap_from_name(name, &number) < 0 ? -EINVAL : number; /* it does not always set errno */
}

int32_t csec_capability_name(int32_t number, char *text, uint64_t size) {
    char *name = cap_to_name(number);
    if (!name) return -EINVAL;
    size_t length = strlen(name);
    int32_t code = length < size ? 0 : -ENAMETOOLONG;
    if (!code) memcpy(text, name, length + 1);
    cap_free(name);
    return code;
}

uint64_t csec_kernel_capabilities(void) {
    uint64_t mask = 0;
    for (cap_value_t number = 0; number < 64 && CAP_IS_SUPPORTED(number); number++) mask |= (uint64_t)1 << number;
    return mask;
}

uint64_t csec_own_capabilities(void) {
    uint64_t mask = 0;
    cap_t own = cap_get_proc();
    if (!own) return 0;
    for (cap_value_t number = 0; number < 64 && CAP_IS_SUPPORTED(number); number++) {
        cap_flag_value_t value = CAP_CLEAR;
        if (cap_get_flag(own, number, CAP_PERMITTED, &value) == 0 && value == CAP_SET) mask |= (uint64_t)1 << number;
    }
    cap_free(own);
    return mask;
}
