#define _GNU_SOURCE
#include "cfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

int32_t cf_open_in_root(int32_t root, const char *path, int32_t flags) {
    struct open_how how = {
        .flags = (uint64_t)(uint32_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    return fd < 0 ? -errno : (int32_t)fd;
}

int32_t cf_open_file(int32_t root, const char *path, int32_t flags) {
    struct stat status;
    char name[32];
    int found = root < 0 ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : cf_open_in_root(root, path, O_PATH);
    if (found < 0) return root < 0 ? -errno : found;
    int code = fstat(found, &status) < 0 ? errno : S_ISLNK(status.st_mode) ? ELOOP : S_ISREG(status.st_mode) ? 0 : EINVAL;
    snprintf(name, sizeof name, "/proc/self/fd/%d", found);
    int file = code ? -1 : open(name, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (!code && file < 0) code = errno;
    close(found);
    return code ? -code : file;
}

int32_t cf_open_on_same_mount(int32_t directory, const char *name) {
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    long fd = syscall(SYS_openat2, directory, name, &how, sizeof how);
    return fd < 0 ? -errno : (int32_t)fd;
}

int32_t cf_share_bytes(int32_t target, int32_t source) { return ioctl(target, FICLONE, source) < 0 ? -errno : 0; }

int64_t cf_next_data(int32_t fd, int64_t offset) {
    off_t found = lseek(fd, offset, SEEK_DATA);
    return found < 0 ? -errno : found;
}

int64_t cf_next_hole(int32_t fd, int64_t offset) {
    off_t found = lseek(fd, offset, SEEK_HOLE);
    return found < 0 ? -errno : found;
}

int32_t cf_sync_filesystem(int32_t fd) { return syncfs(fd) < 0 ? -errno : 0; }

int64_t cf_attribute_names(int32_t fd, char *buffer, uint64_t size) {
    ssize_t length = flistxattr(fd, buffer, size);
    return length < 0 ? -errno : length;
}

int64_t cf_attribute(int32_t fd, const char *name, void *buffer, uint64_t size) {
    ssize_t length = fgetxattr(fd, name, buffer, size);
    return length < 0 ? -errno : length;
}

int32_t cf_set_attribute(int32_t fd, const char *name, const void *value, uint64_t size) {
    return fsetxattr(fd, name, value, size, 0) < 0 ? -errno : 0;
}

int32_t cf_random(void *buffer, uint64_t size) {
    ssize_t length = getrandom(buffer, size, 0);
    if (length < 0) return -errno;
    return (uint64_t)length == size ? 0 : -EIO;
}

uint32_t cf_device_major(uint64_t device) { return major(device); }
uint32_t cf_device_minor(uint64_t device) { return minor(device); }

int32_t cf_open_place(int32_t directory, const char *name) {
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | (directory < 0 ? 0 : RESOLVE_BENEATH | RESOLVE_NO_XDEV),
    };
    long fd = syscall(SYS_openat2, directory < 0 ? AT_FDCWD : directory, name, &how, sizeof how);
    return fd < 0 ? -errno : (int32_t)fd;
}

int32_t cf_label(int32_t fd, const char *label) {
    static const char name[] = "security.selinux";
    char path[32], own[512] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (getxattr(path, name, own, sizeof own - 1) > 0 && strcmp(own, label) == 0) return 0;
    return setxattr(path, name, label, strlen(label) + 1, 0) < 0 ? -errno : 0;
}
