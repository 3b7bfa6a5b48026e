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

/* Whether a component is "..". */
static int climbs(const char *path) {
    for (const char *at = path; *at;) {
        while (*at == '/') at++;
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == 0)) return 1;
        while (*at && *at != '/') at++;
    }
    return 0;
}

enum { LONGEST_PATH = 4096, MOST_LINKS = 3 };

/* The components of a path behind `length` bytes of a place; its new length, 0 where it is too long. */
static size_t append(char *place, size_t length, const char *path, const char *end) {
    for (const char *at = path; at < end;) {
        size_t size = 0;
        while (at + size < end && at[size] != '/') size++;
        if (size == 2 && at[0] == '.' && at[1] == '.') {
            while (length && place[--length] != '/') continue;
        } else if (size && !(size == 1 && *at == '.')) {
            if (length + size + 2 > LONGEST_PATH) return 0;
            place[length++] = '/';
            memcpy(place + length, at, size);
            length += size;
        }
        at += size + 1;
    }
    place[length] = 0;
    return length;
}

static int make_directories(int root, const char *path, uint64_t resolve, int links);
static int make_file(int root, const char *path, uint64_t resolve, int links);

/* A link that an image has at the end of a path, its last component being `name` in `parent`, and that leads nowhere yet: makes what it leads to,
 * inside the root. By the words of the paths alone, so the caller looks again by the link itself. */
static int make_beyond(int root, int parent, const char *path, const char *name, int directory, uint64_t resolve, int links) {
    char to[LONGEST_PATH], place[LONGEST_PATH];
    ssize_t length = readlinkat(parent, name, to, sizeof to);
    if (length < 0) return -1; /* no link, and yet not to be had */
    if (links == MOST_LINKS) return errno = ELOOP, -1;
    place[0] = 0;
    size_t begun = *to == '/' ? 0 : append(place, 0, path, name);
    if (append(place, begun, to, to + length) == 0) return errno = ENAMETOOLONG, -1;
    int made = directory ? make_directories(root, place, resolve, links + 1) : make_file(root, place, resolve, links + 1);
    if (made < 0) return -1;
    close(made);
    return 0;
}

/* Where a path's last component begins, within its first `end` bytes; slashes behind it are left out of *end. */
static size_t last_component(const char *path, size_t *end) {
    while (*end && path[*end - 1] == '/') --*end;
    size_t start = *end;
    while (start && path[start - 1] != '/') start--;
    return start;
}

/* The longest beginning of a path that is there, itself not: its descriptor, and its length in *length. */
static int open_beginning(int root, char *path, size_t *length, uint64_t resolve) {
    for (;;) {
        *length = last_component(path, length);
        if (!*length) return cl_open_inside(root, ".", O_PATH | O_DIRECTORY, resolve);
        char next = path[*length];
        path[*length] = 0;
        int found = cl_open_inside(root, path, O_PATH | O_DIRECTORY, resolve);
        path[*length] = next;
        if (found >= 0 || errno != ENOENT) return found;
    }
}

/* Goes on behind the first *length bytes of a path, as far as its components are there. */
static int pass_what_is_there(int root, char *path, size_t *length, uint64_t resolve) {
    for (;;) {
        size_t end = *length + strspn(path + *length, "/");
        if (!path[end]) return 0;
        end += strcspn(path + end, "/");
        char next = path[end];
        path[end] = 0;
        int found = cl_open_inside(root, path, O_PATH, resolve);
        path[end] = next;
        if (found < 0) return errno == ENOENT ? 0 : -1;
        close(found);
        *length = end;
    }
}

/* Takes away, behind the first `kept` bytes of a path, what ".." takes away again; 1 where that has led back to them, with what follows as it was. */
static int take_climb(char place[LONGEST_PATH], size_t kept) {
    char rest[LONGEST_PATH];
    size_t end = kept;
    strcpy(rest, place + kept);
    for (const char *at = rest; *(at += strspn(at, "/"));) {
        size_t size = strcspn(at, "/"), start = end;
        while (start > kept && place[start - 1] != '/') start--;
        int is_up = size == 2 && memcmp(at, "..", 2) == 0, can_go = end > kept && !(end - start == 2 && memcmp(place + start, "..", 2) == 0);
        if (is_up && can_go && start == kept + 1) return strcpy(place + kept, at + size), 1;
        if (is_up && can_go) end = start - 1;
        else if (size != 1 || *at != '.') {
            place[end++] = '/';
            memcpy(place + end, at, size);
            end += size;
        }
        at += size;
    }
    return place[end] = 0;
}

/* The path without each component that is not there and that ".." takes away again: what is there may be a link, so what ".." makes of that is the kernel's
 * to say. A link that leads nowhere is not there. `place` may be needed for it. NULL with errno. */
static const char *without_climbs(int root, const char *path, uint64_t resolve, char place[LONGEST_PATH]) {
    size_t kept = 0, length = strlen(path);
    if (!climbs(path)) return path;
    if (length >= LONGEST_PATH - 1) return errno = ENAMETOOLONG, NULL;
    memcpy(place, path, length + 1);
    do {
        if (pass_what_is_there(root, place, &kept, resolve) < 0) return NULL;
    } while (take_climb(place, kept));
    return place;
}

/* One that is not there. */
static int make_missing(int root, const char *path, uint64_t resolve, int links) {
    char place[LONGEST_PATH];
    size_t length = strlen(path), at = length;
    if (length >= sizeof place) return errno = ENAMETOOLONG, -1;
    memcpy(place, path, length + 1);
    int parent = open_beginning(root, place, &at, resolve);
    while (parent >= 0) {
        while (path[at] == '/') at++;
        size_t start = at;
        while (path[at] && path[at] != '/') at++;
        if (at == start) return parent;
        place[at] = 0;
        int found = -1, made = mkdirat(parent, place + start, 0755);
        /* what is there by now somebody else has made; or it is ".", or a link */
        if (made == 0 || errno == EEXIST) found = cl_open_inside(root, place, O_PATH | O_DIRECTORY, resolve);
        if (made < 0 && found < 0 && errno == ENOENT && make_beyond(root, parent, place, place + start, 1, resolve, links) == 0)
            found = cl_open_inside(root, place, O_PATH | O_DIRECTORY, resolve);
        place[at] = path[at];
        int code = errno;
        close(parent);
        errno = code;
        parent = found;
    }
    return parent;
}

static int make_directories(int root, const char *path, uint64_t resolve, int links) {
    char place[LONGEST_PATH];
    int found = cl_open_inside(root, path, O_PATH | O_DIRECTORY, resolve);
    if (found >= 0 || errno != ENOENT) return found;
    return (path = without_climbs(root, path, resolve, place)) ? make_missing(root, path, resolve, links) : -1;
}

int cl_make_directories(int root, const char *path, uint64_t resolve) { return make_directories(root, path, resolve, 0); }

static int make_file(int root, const char *path, uint64_t resolve, int links) {
    char folder[LONGEST_PATH];
    const char *name = strrchr(path, '/');
    if (!name || !name[1]) return errno = EINVAL, -1;
    size_t length = (size_t)(name - path);
    if (length >= sizeof folder) return errno = ENAMETOOLONG, -1;
    memcpy(folder, path, length);
    folder[length] = 0;
    int parent = make_directories(root, folder, resolve, links);
    if (parent < 0) return -1;
    int file = openat(parent, name + 1, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    int is_there = file < 0 && errno == EEXIST;
    if (file >= 0) close(file);
    /* somebody else has made it meanwhile; or it is a link */
    int found = file >= 0 || is_there ? cl_open_inside(root, path, O_PATH, resolve) : -1;
    if (is_there && found < 0 && errno == ENOENT && make_beyond(root, parent, path, name + 1, 0, resolve, links) == 0)
        found = cl_open_inside(root, path, O_PATH, resolve);
    int code = errno;
    close(parent);
    return errno = code, found;
}

int cl_make_target(int root, const char *path, int directory, uint64_t resolve) {
    int found = cl_open_inside(root, path, O_PATH, resolve);
    char place[LONGEST_PATH];
    if (found >= 0 || errno != ENOENT) return found;
    if (!(path = without_climbs(root, path, resolve, place))) return -1;
    return directory ? make_missing(root, path, resolve, 0) : make_file(root, path, resolve, 0);
}

int cl_make_source(const char *path) {
    char folder[4096];
    size_t length = strlen(path);
    if (length >= sizeof folder) return errno = ENAMETOOLONG, -1;
    for (size_t at = 1; at <= length; at++) {
        if (at < length && path[at] != '/') continue;
        memcpy(folder, path, at);
        folder[at] = 0;
        if (mkdir(folder, 0755) < 0 && errno != EEXIST) return -1;
    }
    return 0;
}
