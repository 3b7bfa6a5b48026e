#define _GNU_SOURCE
#include "device_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "claunch.h"

/* Registers: r1 context, r2 access, r3 type, r4 major, r5 minor, r6 scratch, r7 type, major and minor in one, r8 type and major in one.
 * What one register says is asked at once: the kernel follows every branch before it takes a program, most of a `create`'s time for it. */
#define LOAD(dst, offset) ((struct bpf_insn){BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_1, offset, 0})
#define MOVE(dst, src) ((struct bpf_insn){BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0})
#define MOVE_IMMEDIATE(dst, value) ((struct bpf_insn){BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, value})
#define AND(dst, value) ((struct bpf_insn){BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, value})
#define SHIFT_RIGHT(dst, value) ((struct bpf_insn){BPF_ALU | BPF_RSH | BPF_K, dst, 0, 0, value})
#define SHIFT_LEFT_64(dst, value) ((struct bpf_insn){BPF_ALU64 | BPF_LSH | BPF_K, dst, 0, 0, value})
#define OR_64(dst, src) ((struct bpf_insn){BPF_ALU64 | BPF_OR | BPF_X, dst, src, 0, 0})
#define SKIP_UNLESS_SAME(reg, other, by) ((struct bpf_insn){BPF_JMP | BPF_JNE | BPF_X, reg, other, by, 0})
#define SKIP_UNLESS_EQUAL(reg, value, by) ((struct bpf_insn){BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, by, value})
#define SKIP_IF_EQUAL(reg, value, by) ((struct bpf_insn){BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, by, value})
#define EXIT ((struct bpf_insn){BPF_JMP | BPF_EXIT, 0, 0, 0, 0})

enum { MOST_PER_RULE = 8, LEAST_PER_RULE = 2, FRAME = 14 };
enum { MINOR_BITS = 20, MAJOR_BITS = 12 };

/* How a rule's type and numbers are asked for: one by one where it leaves some open, or has numbers that no device can have. */
enum shape { APART, TYPE_AND_MAJOR, ALL };

static enum shape shape_of(uint32_t type, int64_t major, int64_t minor) {
    if (!type || major < 0 || major >> MAJOR_BITS || minor >> MINOR_BITS > 0) return APART;
    return minor < 0 ? TYPE_AND_MAJOR : ALL;
}

/* One rule: fall through its conditions to its answer, or skip to the next. What is let in must be all that is asked for;
 * what is refused, any of it. */
static uint32_t emit_rule(struct bpf_insn *at, const struct cl_rule *rule) {
    uint32_t type = rule->type & ~(uint32_t)CL_RULE_DENY, refuses = rule->type & CL_RULE_DENY, n = 0;
    uint32_t asks = (rule->access & 7) != 7; /* a rule for every access need not look which it is */
    enum shape shape = shape_of(type, rule->major, rule->minor);
    uint32_t conditions = shape == ALL ? 3 : shape == TYPE_AND_MAJOR ? 1 : (type != 0) + (rule->major >= 0) + (rule->minor >= 0);
    uint32_t length = 3 * asks + conditions + 2;
#define UNLESS_EQUAL(reg, value) (at[n] = SKIP_UNLESS_EQUAL(reg, value, (int16_t)(length - n - 1)), n++)
    if (asks) {
        at[n++] = MOVE(BPF_REG_6, BPF_REG_2);
        at[n++] = AND(BPF_REG_6, (int32_t)((refuses ? rule->access : ~rule->access) & 7));
        if (refuses) at[n] = SKIP_IF_EQUAL(BPF_REG_6, 0, (int16_t)(length - n - 1)), n++;
        else UNLESS_EQUAL(BPF_REG_6, 0);
    }
    uint64_t type_and_major = (uint64_t)type << MAJOR_BITS | (uint64_t)rule->major;
    if (shape == ALL) {
        uint64_t all = type_and_major << MINOR_BITS | (uint64_t)rule->minor;
        at[n++] = (struct bpf_insn){BPF_LD | BPF_DW | BPF_IMM, BPF_REG_6, 0, 0, (int32_t)(uint32_t)all};
        at[n++] = (struct bpf_insn){0, 0, 0, 0, (int32_t)(all >> 32)};
        at[n] = SKIP_UNLESS_SAME(BPF_REG_7, BPF_REG_6, (int16_t)(length - n - 1)), n++;
    } else if (shape == TYPE_AND_MAJOR) {
        UNLESS_EQUAL(BPF_REG_8, (int32_t)type_and_major);
    } else {
        if (type) UNLESS_EQUAL(BPF_REG_3, (int32_t)type);
        if (rule->major >= 0) UNLESS_EQUAL(BPF_REG_4, (int32_t)rule->major);
        if (rule->minor >= 0) UNLESS_EQUAL(BPF_REG_5, (int32_t)rule->minor);
    }
#undef UNLESS_EQUAL
    at[n++] = MOVE_IMMEDIATE(BPF_REG_0, !refuses);
    at[n++] = EXIT;
    return n;
}

static int load(const struct cl_rule *rules, uint32_t count) {
    struct bpf_insn program[FRAME + CL_MAX_RULES * MOST_PER_RULE];
    uint32_t n = 0, last = 0;
    program[n++] = LOAD(BPF_REG_2, 0);
    program[n++] = LOAD(BPF_REG_4, 4);
    program[n++] = LOAD(BPF_REG_5, 8);
    program[n++] = MOVE(BPF_REG_3, BPF_REG_2);
    program[n++] = AND(BPF_REG_3, 0xffff);
    program[n++] = SHIFT_RIGHT(BPF_REG_2, 16);
    program[n++] = MOVE(BPF_REG_8, BPF_REG_3);
    program[n++] = SHIFT_LEFT_64(BPF_REG_8, MAJOR_BITS);
    program[n++] = OR_64(BPF_REG_8, BPF_REG_4);
    program[n++] = MOVE(BPF_REG_7, BPF_REG_8);
    program[n++] = SHIFT_LEFT_64(BPF_REG_7, MINOR_BITS);
    program[n++] = OR_64(BPF_REG_7, BPF_REG_5);
    /* the last that matches wins, so it is asked first */
    for (uint32_t i = count < CL_MAX_RULES ? count : CL_MAX_RULES; i-- > 0 && last != LEAST_PER_RULE; n += last)
        last = emit_rule(program + n, &rules[i]);
    if (last != LEAST_PER_RULE) { /* the kernel refuses what nothing leads to: nothing follows a rule for everything */
        program[n++] = MOVE_IMMEDIATE(BPF_REG_0, 0);
        program[n++] = EXIT;
    }
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)program;
    attributes.insn_cnt = n;
    attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

/* The last program is kept: the containers of a pod mostly have the same rules. */
static struct cl_rule cached_rules[CL_MAX_RULES];
static uint32_t cached_count;
static int cached_program = -1;

static int program_for(const struct cl_rule *rules, uint32_t count) {
    size_t size = count * sizeof *rules;
    if (cached_program >= 0 && cached_count == count && memcmp(cached_rules, rules, size) == 0) return cached_program;
    int program = load(rules, count);
    if (program < 0) return -1;
    cl_device_program_adopt(rules, count, program);
    return program;
}

int32_t cl_device_program_load(const struct cl_rule *rules, uint32_t count) {
    if (count > CL_MAX_RULES) return -E2BIG;
    int program = load(rules, count);
    return program < 0 ? -errno : program;
}

void cl_device_program_adopt(const struct cl_rule *rules, uint32_t count, int32_t program) {
    if (cached_program >= 0) close(cached_program);
    cached_program = count <= CL_MAX_RULES ? program : -1;
    if (cached_program < 0) return;
    memcpy(cached_rules, rules, count * sizeof *rules);
    cached_count = count;
}

int cl_attach_device_program(int cgroup, const struct cl_rule *rules, uint32_t count) {
    if (count > CL_MAX_RULES) return -E2BIG;
    int program = program_for(rules, count);
    if (program < 0) return -errno;
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes) < 0 ? -errno : 0;
}
