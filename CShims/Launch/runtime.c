#define _GNU_SOURCE
#include "cruntime.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"
#include "cspawn.h"

static const char own_file[] = "/proc/self/exe";

static int is_sealed(int file) {
    struct statvfs filesystem;
    if (fcntl(file, F_GET_SEALS) & F_SEAL_WRITE && fcntl(file, F_GET_SEALS) > 0) return 1;
    return fstatvfs(file, &filesystem) == 0 && filesystem.f_flag & ST_RDONLY;
}

int32_t crt_seal(void) {
    if (!CL_KEEPS(OWN_FILE)) return 0;
    if (crt_has_left_own_file()) return unsetenv(CRT_SEALED), 0;
    int file = open(own_file, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int sealed = is_sealed(file) || (geteuid() != 0 && access(own_file, W_OK) < 0);
    if (sealed) return close(file), unsetenv(CRT_SEALED), 0; /* hooks inherit our environment, and may call us */
    if (getenv(CRT_SEALED)) return close(file), -ENOTSUP;
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    int tree = open_tree(AT_FDCWD, own_file, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
        tree = cs_memory_copy(file, "swiftlet-oci");
    close(file);
    if (tree < 0) return tree;
    if (setenv(CRT_SEALED, "1", 1) < 0) return -errno;
    if (!crt_arguments()) return -EINVAL;
    execveat(tree, "", crt_arguments(), environ, AT_EMPTY_PATH);
    return -errno;
}

void crt_hide(void) {
    if (CL_KEEPS(MEMORY)) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void crt_keep_memory(void) { mallopt(M_TRIM_THRESHOLD, 16 << 20); }

int32_t crt_tree(const char *path, int32_t recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
    int tree = open_tree(AT_FDCWD, path, flags);
    return tree < 0 ? -errno : tree;
}

int32_t crt_tree_change(int32_t tree, uint64_t set, uint64_t clear, uint64_t propagation, int32_t namespace,
                        int32_t recursive) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    if (namespace >= 0) {
        attributes.attr_set |= MOUNT_ATTR_IDMAP;
        attributes.userns_fd = (uint64_t)namespace;
    }
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return mount_setattr(tree, "", flags, &attributes, sizeof attributes) < 0 ? -errno : 0;
}

static int write_text(pid_t pid, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int code = write(file, text, strlen(text)) < 0 ? -errno : 0;
    close(file);
    return code;
}

/* Runs one of the set-user-id programs that know which ids a user may have. */
static int map_by(const char *program, pid_t pid, const char *map) {
    char number[16], words[1024], *argv[64] = {(char *)program, number};
    int count = 2, status;
    snprintf(number, sizeof number, "%d", pid);
    if (strlen(map) >= sizeof words) return -E2BIG;
    strcpy(words, map);
    for (char *at = words, *word; count < 63 && (word = strsep(&at, " \n"));)
        if (*word) argv[count++] = word;
    pid_t child = fork();
    if (child == 0) {
        execv(program, argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* In a process of its own, outside the namespace that the parent is about to make. */
static int map_from_outside(int told, pid_t parent, const char *uid_map, const char *gid_map) {
    char byte;
    if (read(told, &byte, 1) != 1) return EPIPE;
    if (write_text(parent, "uid_map", uid_map) == 0) {
        int code = write_text(parent, "setgroups", "deny");
        return -(code ? code : write_text(parent, "gid_map", gid_map));
    }
    int code = map_by("/usr/bin/newuidmap", parent, uid_map);
    return -(code ? code : map_by("/usr/bin/newgidmap", parent, gid_map));
}

int32_t crt_become_root(const char *uid_map, const char *gid_map) {
    int ends[2], status, code = 0;
    pid_t self = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit(map_from_outside(ends[0], self, uid_map, gid_map));
    }
    if (child < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) code = -errno;
    if (!code && write(ends[1], "m", 1) != 1) code = -errno;
    close(ends[0]);
    close(ends[1]);
    if (child > 0 && waitpid(child, &status, 0) == child && !code) code = -(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
    if (!code && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) code = -errno;
    return code;
}

int32_t crt_pass(const char *path, int32_t descriptor, const void *bytes, uint64_t size) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } rights = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &rights,
                             .msg_controllen = sizeof rights};
    char near[sizeof to.sun_path];
    int folder = -1;
    if (strlen(path) >= sizeof to.sun_path) { /* an address holds 107 bytes: by the directory's number then */
        const char *name = strrchr(path, '/');
        if (!name) return -ENAMETOOLONG;
        char *parent = strndup(path, (size_t)(name - path));
        folder = parent ? open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        free(parent);
        if (folder < 0) return -errno;
        if (snprintf(near, sizeof near, "/proc/self/fd/%d%s", folder, name) >= (int)sizeof near)
            return close(folder), -ENAMETOOLONG;
        path = near;
    }
    strcpy(to.sun_path, path);
    memcpy(CMSG_DATA(&rights.header), &descriptor, sizeof descriptor);
    /* who does not take it would hold us up for ever */
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), done = fd;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    /* with a time of its own a call is not taken up again by itself after a stop */
    if (fd >= 0) do done = connect(fd, (struct sockaddr *)&to, sizeof to); while (done < 0 && errno == EINTR);
    if (done >= 0) do done = (int)sendmsg(fd, &message, MSG_NOSIGNAL); while (done < 0 && errno == EINTR);
    int code = done < 0 ? -errno : 0;
    if (fd >= 0) close(fd);
    if (folder >= 0) close(folder);
    return code == -EAGAIN ? -ETIMEDOUT : code;
}

int32_t crt_limit(int32_t pid, uint32_t resource, uint64_t soft, uint64_t hard) {
    struct rlimit64 value = {soft, hard};
    return prlimit64(pid, (int)resource, &value, NULL) < 0 ? -errno : 0;
}

int32_t crt_signals(void) {
    sigset_t mask;
    sigfillset(&mask);
    const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) sigdelset(&mask, own[i]);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0) return -errno;
    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int32_t crt_next_signal(int32_t fd) {
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info ? (int32_t)info.ssi_signo : 0;
}

_Static_assert(sizeof(struct termios) <= CRT_TERMINAL_BYTES, "a terminal's state");

int32_t crt_raw(int32_t terminal, void *saved) {
    struct termios state;
    if (tcgetattr(terminal, &state) < 0) return -errno;
    memcpy(saved, &state, sizeof state);
    cfmakeraw(&state);
    return tcsetattr(terminal, TCSANOW, &state) < 0 ? -errno : 0;
}

void crt_cooked(int32_t terminal, const void *saved) { tcsetattr(terminal, TCSANOW, saved); }

void crt_copy_size(int32_t from, int32_t to) {
    struct winsize size;
    if (ioctl(from, TIOCGWINSZ, &size) == 0) ioctl(to, TIOCSWINSZ, &size);
}

int32_t crt_different_namespaces(int32_t pid, uint32_t among, uint32_t *kinds) {
    static const struct {
        const char *name;
        uint32_t kind;
    } all[] = {
        {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},        {"pid", CLONE_NEWPID},   {"net", CLONE_NEWNET},
        {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},       {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
    };
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns", pid);
    int own = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC), their = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int code = own < 0 || their < 0 ? -errno : 0;
    *kinds = 0;
    for (size_t i = 0; !code && i < sizeof all / sizeof all[0]; i++) {
        /* "net:[4026531833]": by the links' texts, because to follow one makes an inode, sixteen of them 0.1 ms */
        char ours[64], theirs[64];
        if (!(among & all[i].kind)) continue;
        ssize_t length = readlinkat(own, all[i].name, ours, sizeof ours), other = readlinkat(their, all[i].name, theirs, sizeof theirs);
        if (length < 0) continue; /* a kernel without this kind */
        if (other < 0) code = -errno;
        else if (length != other || memcmp(ours, theirs, (size_t)length)) *kinds |= all[i].kind;
    }
    if (own >= 0) close(own);
    if (their >= 0) close(their);
    return code;
}

int32_t crt_namespace_kind(const char *path) {
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int kind = file < 0 ? -1 : ioctl(file, NS_GET_NSTYPE), code = errno;
    if (file >= 0) close(file);
    return kind < 0 ? -code : kind;
}

int32_t crt_join(int32_t pidfd, uint32_t kinds) { return setns(pidfd, (int)kinds) < 0 ? -errno : 0; }

int32_t crt_set_affinity(const void *mask, uint64_t size) {
    return syscall(SYS_sched_setaffinity, 0, size, mask) < 0 ? -errno : 0;
}
