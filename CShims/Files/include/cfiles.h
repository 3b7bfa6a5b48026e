/* File calls that Swift's C library module does not show. Every function returns -errno where it fails. */
#pragma once
#include <stdint.h>

/* Opens `path` with all its links and ".." resolved inside the directory `root` (openat2, RESOLVE_IN_ROOT), magic links refused. */
int32_t cf_open_in_root(int32_t root, const char *path, int32_t flags);

/* Opens a regular file, where others may have laid something else: -EINVAL for that, -ELOOP for a link. It is looked at before it is opened, since
 * to open a device is to use it already: a watchdog begins to count, a tape winds back. `root`: as above; -1: `path` is the host's. */
int32_t cf_open_file(int32_t root, const char *path, int32_t flags);

/* Opens the directory `name` in `directory`. -EXDEV where something is mounted there. */
int32_t cf_open_on_same_mount(int32_t directory, const char *name);

/* Makes `target` share the bytes of `source` (FICLONE). -EOPNOTSUPP, -EXDEV or -EINVAL where the filesystem cannot. */
int32_t cf_share_bytes(int32_t target, int32_t source);

/* Where a file's next bytes and its next hole are, from `offset` on. -ENXIO where there are none. */
int64_t cf_next_data(int32_t fd, int64_t offset);
int64_t cf_next_hole(int32_t fd, int64_t offset);

/* Waits until the whole filesystem of `fd` is on disk. */
int32_t cf_sync_filesystem(int32_t fd);

/* Extended attributes of an open file: the names as NUL-ended strings one after another; a value. Returns the number of bytes. */
int64_t cf_attribute_names(int32_t fd, char *buffer, uint64_t size);
int64_t cf_attribute(int32_t fd, const char *name, void *buffer, uint64_t size);
int32_t cf_set_attribute(int32_t fd, const char *name, const void *value, uint64_t size);

/* What has the name in `directory` (-1: a path of the host's), opened as a place alone (O_PATH), links themselves; ELOOP for a path that has links before.
 * EXDEV for what is mounted in `directory`. */
int32_t cf_open_place(int32_t directory, const char *name);

/* Gives such a file an SELinux label, unless it has it. */
int32_t cf_label(int32_t fd, const char *label);

/* Fills `buffer` from the kernel's random source; at most 256 bytes. */
int32_t cf_random(void *buffer, uint64_t size);

/* The number's halves, as the kernel numbers devices. */
uint32_t cf_device_major(uint64_t device);
uint32_t cf_device_minor(uint64_t device);
