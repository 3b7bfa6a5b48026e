#define _GNU_SOURCE
#include <stdint.h>

#include "child.h"
#include "cruntime.h"
#include "first.h"

/* The first instructions of swiftlet-oci, before the C library's. What a call is going to start must not lead back to our file (own.c), which is seen to
 * here because up to here nothing has been written to that the file holds. A call that has only to let a process go does so (early.c).
 * Nothing of the libraries works yet, so this is plain code over raw system calls. Whatever fails is left to crt_seal, which looks again and says so. */

#if defined(__x86_64__)
__asm__(".text\n.globl crt_entry\n.type crt_entry, @function\ncrt_entry:\n"
        "xor %ebp, %ebp\nmov %rsp, %rbx\nmov %rdx, %r12\nmov %rsp, %rdi\nand $-16, %rsp\ncall crt_first\n"
        "mov %rbx, %rsp\nmov %r12, %rdx\njmp _start\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl crt_entry\n.type crt_entry, %function\ncrt_entry:\n"
        "mov x29, #0\nmov x30, #0\nmov x19, x0\nmov x0, sp\nbl crt_first\nmov x0, x19\nb _start\n");
#endif

FIRST_INSTRUCTIONS_BEGIN

static char **arguments;
static struct crt_opened opened = {-1, -1, 0};
static long own_mount = -1;
static int has_left_own_file;

char *const *crt_arguments(void) { return arguments; }

int32_t crt_opened_gate(int32_t *is_executing, int32_t *folder) {
    *is_executing = opened.executing;
    *folder = opened.folder;
    return opened.gate;
}

int crt_has_left_own_file(void) { return has_left_own_file; }

int32_t crt_take_own_mount(void) {
    int32_t taken = (int32_t)own_mount;
    own_mount = -1;
    return taken;
}

/* `stack` is as the kernel leaves it: the count, the arguments, NULL, the environment, NULL, the auxiliary vector. */
__attribute__((used)) void crt_first(long *stack) {
    char **argv = (char **)(stack + 1);
    const char *root;
    char *const *verb = crt_verb(argv, &root);
    int makes_container = verb && (is(*verb, "create") || is(*verb, "run"));
    if (CL_KEEPS(OWN_FILE) && (makes_container || (verb && is(*verb, "exec")))) own_mount = crt_leave_own_file(stack, &has_left_own_file);
    arguments = argv;
    if (makes_container) crt_early_network(verb + 1);
    if (verb && is(*verb, "start")) crt_early_start(root, verb + 1, &opened);
}

FIRST_INSTRUCTIONS_END
