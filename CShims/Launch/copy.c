#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

enum { DEEPEST = 64, ENTRIES = 4096 };

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int keep_owner(int target, const char *name, const struct stat *status) {
    if (fchownat(target, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0) return -1;
    return S_ISLNK(status->st_mode) ? 0 : fchmodat(target, name, status->st_mode & 07777, 0);
}

static int copy_file(int source, int target, const char *name) {
    int from = openat(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int to = openat(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t moved = from < 0 || to < 0 ? -1 : 1;
    while (moved > 0) moved = sendfile(to, from, NULL, 1 << 20);
    int code = errno;
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    errno = code;
    return (int)moved;
}

static int copy_link(int source, int target, const char *name) {
    char text[4096];
    ssize_t length = readlinkat(source, name, text, sizeof text - 1);
    if (length < 0) return -1;
    text[length] = 0;
    return symlinkat(text, target, name);
}

static int copy_directory(int source, int target, int depth);

static int copy_beneath(int source, int target, const char *name, int depth) {
    int from = openat(source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), to = -1;
    int done = from < 0 || mkdirat(target, name, 0700) < 0 ? -1 : 0;
    if (!done && (to = openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) done = -1;
    if (!done) done = copy_directory(from, to, depth + 1);
    int code = errno;
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    errno = code;
    return done;
}

/* Files, directories and links with their owners and modes; other nodes are passed over. */
static int copy_one(int source, int target, const char *name, int depth) {
    struct stat status;
    int done;
    if (fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return -1;
    if (S_ISDIR(status.st_mode)) done = copy_beneath(source, target, name, depth);
    else if (S_ISREG(status.st_mode)) done = copy_file(source, target, name);
    else if (S_ISLNK(status.st_mode)) done = copy_link(source, target, name);
    else return 0;
    return done < 0 ? done : keep_owner(target, name, &status);
}

static int copy_directory(int source, int target, int depth) {
    _Alignas(8) char buffer[ENTRIES];
    if (depth > DEEPEST) return errno = ELOOP, -1;
    for (;;) {
        long got = syscall(SYS_getdents64, source, buffer, sizeof buffer);
        if (got <= 0) return (int)got;
        for (long at = 0; at < got;) {
            struct entry *entry = (struct entry *)(buffer + at);
            at += entry->length;
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
            if (copy_one(source, target, entry->name, depth) < 0) return -1;
        }
    }
}

int cl_copy_tree(int source, int tree) {
    struct stat status;
    int from = openat(source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int done = from < 0 || to < 0 ? -1 : copy_directory(from, to, 0);
    if (!done && fstat(from, &status) == 0) done = fchown(to, status.st_uid, status.st_gid);
    int code = errno;
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    errno = code;
    return done;
}
