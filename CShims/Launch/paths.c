#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

int cl_open_inside(int root, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd, tries = 0;
    do fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN && ++tries < 64); /* a rename elsewhere made the walk unsure */
    return fd;
}

/* Whether a component is ".."; such a path is not made, only found. */
static int climbs(const char *path) {
    for (const char *at = path; *at;) {
        while (*at == '/') at++;
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == 0)) return 1;
        while (*at && *at != '/') at++;
    }
    return 0;
}

int cl_make_directories(int root, const char *path, uint64_t resolve) {
    char prefix[4096];
    size_t length = strlen(path);
    if (length >= sizeof prefix) return errno = ENAMETOOLONG, -1;
    if (climbs(path)) return errno = EINVAL, -1;
    int parent = cl_open_inside(root, path, O_PATH | O_DIRECTORY, resolve);
    if (parent >= 0 || errno != ENOENT) return parent;
    parent = cl_open_inside(root, ".", O_PATH | O_DIRECTORY, resolve);
    for (size_t at = 0; parent >= 0 && at < length;) {
        while (at < length && path[at] == '/') at++;
        size_t start = at;
        while (at < length && path[at] != '/') at++;
        if (at == start) break;
        memcpy(prefix, path, at);
        prefix[at] = 0;
        int found = cl_open_inside(root, prefix, O_PATH | O_DIRECTORY, resolve);
        if (found < 0 && errno == ENOENT && mkdirat(parent, prefix + start, 0755) == 0)
            found = cl_open_inside(root, prefix, O_PATH | O_DIRECTORY, resolve);
        int code = errno;
        close(parent);
        errno = code;
        parent = found;
    }
    return parent;
}

int cl_make_target(int root, const char *path, int directory, uint64_t resolve) {
    int found = cl_open_inside(root, path, O_PATH, resolve);
    if (found >= 0 || errno != ENOENT) return found;
    if (directory) return cl_make_directories(root, path, resolve);
    char parent_path[4096];
    const char *name = strrchr(path, '/');
    if (!name || !name[1] || strcmp(name, "/..") == 0) return errno = EINVAL, -1;
    size_t length = (size_t)(name - path);
    if (length >= sizeof parent_path) return errno = ENAMETOOLONG, -1;
    memcpy(parent_path, path, length);
    parent_path[length] = 0;
    int parent = cl_make_directories(root, parent_path, resolve);
    if (parent < 0) return -1;
    int file = openat(parent, name + 1, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    int code = errno;
    if (file >= 0) close(file);
    close(parent);
    if (file < 0) return errno = code, -1;
    return cl_open_inside(root, path, O_PATH, resolve);
}
