/* libseccomp and libcap, as far as they are needed. Functions return -errno where they fail. */
#pragma once
#include <stdint.h>

enum {
    CSEC_ALLOW = 1,
    CSEC_ERRNO = 2, /* with a value */
    CSEC_KILL_PROCESS = 3,
    CSEC_KILL_THREAD = 4,
    CSEC_TRAP = 5,
    CSEC_LOG = 6,
    CSEC_TRACE = 7, /* with a value */
    CSEC_NOTIFY = 8,
};
enum { CSEC_NE = 1, CSEC_LT = 2, CSEC_LE = 3, CSEC_EQ = 4, CSEC_GE = 5, CSEC_GT = 6, CSEC_MASKED_EQ = 7 };

struct csec_argument {
    uint32_t index, operation;
    uint64_t value, second; /* masked: value is the mask, second what it must equal */
};

/* A filter under construction, or NULL. */
void *csec_new(uint32_t action, uint32_t value);
void csec_free(void *filter);
/* An architecture beside the native one, by libseccomp's name, such as "x86". */
int32_t csec_add_architecture(void *filter, const char *name);
/* 1 where this libseccomp does not know the call, which is then passed over. */
int32_t csec_add_rule(void *filter, uint32_t action, uint32_t value, const char *name,
                      const struct csec_argument *arguments, uint32_t count);
/* The compiled instructions, 8 bytes each: their size, and written where the capacity is enough. */
int64_t csec_compile(void *filter, void *bytes, uint64_t capacity);
/* The audit number of the native architecture, and the number of a call on it (negative: none). */
uint32_t csec_native_audit_architecture(void);
int32_t csec_call_number(const char *name);

/* Capability numbers by name ("cap_net_admin", any case) and back. */
int32_t csec_capability_number(const char *name);
int32_t csec_capability_name(int32_t number, char *text, uint64_t size);
/* Those the running kernel knows. */
uint64_t csec_kernel_capabilities(void);
/* This process's permitted capabilities. */
uint64_t csec_own_capabilities(void);
