/* One record of a flat plan while it is read. */
#pragma once
#include <string.h>

#include "cplan.h"

struct cl_record {
    uint32_t kind, size;
    const uint8_t *payload;
};

/* A string that begins at an offset of the payload; its length with NUL goes to *used. NULL where there is none. */
const char *cl_string_at(const struct cl_record *record, uint32_t offset, uint32_t *used);
/* The string that is the whole payload. */
const char *cl_string(const struct cl_record *record);

static inline uint32_t cl_u32(const struct cl_record *record, uint32_t index) {
    uint32_t value;
    memcpy(&value, record->payload + 4 * index, 4);
    return value;
}

static inline uint64_t cl_u64(const struct cl_record *record, uint32_t index) {
    uint64_t value;
    memcpy(&value, record->payload + 8 * index, 8);
    return value;
}

/* plan_extensions.c: records from CL_RECORD_NAMESPACE on. */
int cl_plan_read_filesystem(const struct cl_record *record, struct cl_plan *plan);
int cl_plan_read_extension(const struct cl_record *record, struct cl_plan *plan);
