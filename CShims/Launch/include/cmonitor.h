/* System calls of the pod monitor, which has no C library module of its own. Functions return -errno where they fail. */
#pragma once
#include <stdint.h>

/* Makes this process what a monitor must be: not dumpable, deaf to SIGPIPE and to polite ends, known by its name. */
void cm_harden(void);
/* A descriptor that is readable once somebody asked this process politely to end (SIGTERM). */
int32_t cm_watch_end(void);
/* Stops this process where SWIFTLET_HOLD names the place, once; in a debug build alone. */
void cm_hold(const uint8_t *place, uint64_t size);
void cm_exit(int32_t code) __attribute__((noreturn));
int32_t cm_process_id(void);
int32_t cm_own_pid_namespace(void);
uint64_t cm_wall_clock(void);      /* nanoseconds since 1970 */
uint64_t cm_monotonic_clock(void); /* nanoseconds */

int32_t cm_poll_create(void);
/* In a debug build it refuses once what SWIFTLET_REFUSE names, by its token's upper half, as where memory is short. */
int32_t cm_poll_add(int32_t poll, int32_t fd, uint64_t token);
/* A process's end, told when it has come and, of one that another process traces, again when that lets go of it: before, it cannot be reaped. */
int32_t cm_poll_add_end(int32_t poll, int32_t pidfd, uint64_t token);
void cm_poll_remove(int32_t poll, int32_t fd);
/* Writes the token of one descriptor that can be read: 1, 0 after the time (-1: none) has passed. */
int32_t cm_poll_wait(int32_t poll, uint64_t *token, int32_t milliseconds);

/* Message sockets: one record with descriptors a call, never waiting. 0 bytes received is the end. */
int64_t cm_receive(int32_t fd, void *bytes, uint64_t capacity, int32_t *fds, uint32_t fd_capacity, uint32_t *fd_count);
int32_t cm_send(int32_t fd, const void *bytes, uint64_t size, const int32_t *fds, uint32_t fd_count);
int32_t cm_accept(int32_t fd);
/* The size of the next message, 0 at the end, -EAGAIN where none waits. */
int32_t cm_waiting(int32_t fd);
/* Lets a megabyte wait in the socket. */
void cm_widen(int32_t fd);

void cm_close(int32_t fd);
int32_t cm_pipe(int32_t *read_end, int32_t *write_end);
int32_t cm_open_null(void);
int32_t cm_open_directory(const char *path);
/* A directory in another, by a path without links that does not lead out of it. */
int32_t cm_open_beneath(int32_t directory, const void *path);
/* /proc/PID/cgroup */
int64_t cm_read_groups(int32_t pid, void *text, uint64_t capacity);
void cm_set_nonblocking(int32_t fd);
int64_t cm_read(int32_t fd, void *bytes, uint64_t capacity);
int64_t cm_write(int32_t fd, const void *bytes, uint64_t size);
/* Waits until something can be written; 0 where that does not come, or nobody reads any more. */
int32_t cm_wait_writable(int32_t fd, int32_t milliseconds);
/* Maps a sealed memory file: its bytes and size, or a null pointer. */
const void *cm_map(int32_t fd, uint64_t *size);
void cm_unmap(const void *bytes, uint64_t size);

int32_t cm_signal(int32_t pidfd, int32_t number);
int32_t cm_write_file(int32_t directory, const char *name, const char *text);
int64_t cm_read_file(int32_t directory, const char *name, char *text, uint64_t capacity);
int32_t cm_resize(int32_t terminal, uint16_t columns, uint16_t rows);

/* A log file, appended to and never a link; *size is what it holds. */
int32_t cm_open_log(const char *path, uint64_t *size);
int32_t cm_rename(const char *from, const char *to);

/* Collects a child: gives it the time to end by itself, then kills it. */
void cm_collect(int32_t pid, int32_t milliseconds);
/* Collects a child without waiting; 0 where it has not ended. */
int32_t cm_collect_ended(int32_t pid);

/* Forks: 0 in the child, which keeps descriptors 0 to 2 and `socket` (moved to 3) alone; else its pid and our end. */
int32_t cm_fork_writer(int32_t *socket);
