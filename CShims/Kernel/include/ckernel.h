/* Kernel interfaces that Swift's C library module does not show. Every function returns -errno where it fails. */
#pragma once
#include <spawn.h>
#include <stdint.h>

/* Writes the text of an errno value, NUL-terminated. */
void ck_error_text(int32_t code, char *text, uint64_t size);

/* Whether the unified hierarchy of cgroups lies at a path: 1 or 0. */
int32_t ck_is_cgroup2(const char *path);

/* CK_PRIORITY: something out of the ordinary, as a pressure trigger of the kernel tells it. */
enum { CK_READABLE = 1, CK_WRITABLE = 2, CK_ONCE = 4, CK_PRIORITY = 8 };
int32_t ck_epoll_create(void);
/* Adds a descriptor, or arms it anew where it is known and CK_ONCE is set. */
int32_t ck_epoll_watch(int32_t poll, int32_t fd, uint32_t interest, uint64_t token);
void ck_epoll_forget(int32_t poll, int32_t fd);
/* Waits for ever; writes the tokens of what is ready and returns their number. */
int32_t ck_epoll_wait(int32_t poll, uint64_t *tokens, int32_t capacity);

/* A signalfd(2), close-on-exec, that reads SIGTERM and SIGINT; the caller blocks them. A record has CK_SIGNAL_BYTES. */
enum { CK_SIGNAL_BYTES = 128 };
int32_t ck_termination_signals(void);

/* A timerfd(2), close-on-exec, that becomes readable when the wall clock is set, or the machine wakes up. */
int32_t ck_clock_watch(void);
/* Takes what has become readable and waits for the next change: 1 where the clock was set, 0 where it was not. */
int32_t ck_clock_rearm(int32_t fd);

/* Has a program that is spawned begin without the descriptors from this one on. An errno, 0 where it is well, as posix_spawn(3) has it. */
int32_t ck_spawn_closing(posix_spawn_file_actions_t *actions, int32_t first);

/* Whether the chain FORWARD of iptables' own (legacy) table "filter" drops by its policy: 1 or 0. -ENOENT where there is none. Makes the
 * table where the kernel has it as a module: ask only where it is in use. */
int32_t ck_legacy_forward_drops(void);
