/* Mounts made outside containers. Functions return -errno where they fail. */
#pragma once
#include <stdint.h>

/* A detached copy of what an open file or directory names, with what is mounted beneath where `recursive`. */
int32_t cmnt_clone(int32_t file, int32_t recursive);
/* Opens a path beneath an open directory without leaving it by any link; O_PATH. */
int32_t cmnt_open_beneath(int32_t directory, const char *path);
/* A new tmpfs with options "k=v\0...", nosuid and nodev, attached to an open directory. */
int32_t cmnt_tmpfs(int32_t target, const char *options, uint32_t options_size);
/* Maps a detached mount's ids, as a user namespace has them. */
int32_t cmnt_map(int32_t tree, int32_t user);
/* Attaches a detached mount at a path, whose last part is not followed. */
int32_t cmnt_attach(int32_t tree, const char *path);
/* A read-only overlay on a directory, with options as mount(2) takes them: "lowerdir=TOP:BOTTOM". */
int32_t cmnt_overlay(const char *target, const char *options);
int32_t cmnt_detach(const char *path);
/* Whether the kernel has a system call of the new mount interface and the like: 1 or 0. */
enum { CMNT_PROBE_CLONE3 = 1, CMNT_PROBE_OPENAT2, CMNT_PROBE_MOUNT_SETATTR, CMNT_PROBE_FSOPEN, CMNT_PROBE_PIDFD,
       CMNT_PROBE_SECCOMP, CMNT_PROBE_CLOSE_RANGE, CMNT_PROBE_BPF };
int32_t cmnt_probe(uint32_t what);
/* Whether the kernel makes a copy of a detached mount (Linux 6.15): 1 or 0. */
int32_t cmnt_copies_detached(void);
