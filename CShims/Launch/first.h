/* What the first instructions have to work with, before the C library's: system calls and comparisons of their own. */
#pragma once

/* Around such code. Where the compiler guards stacks by default, the guard is a value that the C library makes; and a loop that looks like strlen or
 * memcpy must stay one. */
#define FIRST_INSTRUCTIONS_BEGIN _Pragma("clang attribute push(__attribute__((no_stack_protector, no_builtin)), apply_to = function)")
#define FIRST_INSTRUCTIONS_END _Pragma("clang attribute pop")

FIRST_INSTRUCTIONS_BEGIN

#if defined(__x86_64__)
static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                  x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "the first instructions are written for x86-64 and arm64"
#endif

static inline long call(long number, long a, long b, long c, long d, long e) { return call6(number, a, b, c, d, e, 0); }

static inline int is(const char *text, const char *word) {
    while (*text && *text == *word) text++, word++;
    return *text == *word;
}

static inline int begins(const char *text, const char *word) {
    while (*word && *text == *word) text++, word++;
    return !*word;
}

FIRST_INSTRUCTIONS_END

/* words.c: whether a word is one of these options, with its value behind a "=" or without; the names are strings one after another, the last followed
 * by two zeroes. */
int crt_is_option(const char *word, const char *names);
/* The value of the option at *words: behind its "=", or the next word, to which *words then points. NULL: none. */
const char *crt_value(char *const **words);

/* Moves this process from its executable to a read-only mount of it; where that is not allowed it stays. `stack` is as the kernel left it. The mount's
 * descriptor, which is not needed for it to last; -1 where there is none. `has_left` is set where the kernel takes the mount's file for the executable. */
long crt_leave_own_file(long *stack, int *has_left);
/* What the first instructions of a `start` have opened, to be gone on with: -1 each where they have not. */
struct crt_opened {
    int gate, folder, executing;
};
/* Lets the process of the container go whose id the words are, where nothing else is to be done for it, and ends this call where it executes its
 * program. */
void crt_early_start(const char *root, char *const *words, struct crt_opened *opened);
/* Begins the network namespace of a container to be made, where its configuration asks for one as far as can be seen. */
void crt_early_network(char *const *words);
