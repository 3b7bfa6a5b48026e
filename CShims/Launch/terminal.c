#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "child.h"

/* The container's first terminal is also its console. */
static int bind_console(const struct cl_child *child, int slave) {
    int file = openat(child->devices, "console", O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 && errno != EEXIST) return -1;
    if (file >= 0) close(file);
    int tree = open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) return -1;
    int bad = move_mount(tree, "", child->devices, "console", MOVE_MOUNT_F_EMPTY_PATH);
    close(tree);
    return bad;
}

void cl_open_terminal(struct cl_child *child) {
    struct statfs filesystem;
    int unlocked = 0;
    int master = cl_open_inside(child->root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, RESOLVE_NO_SYMLINKS);
    if (master < 0 || fstatfs(master, &filesystem) < 0) cl_fail(child, CL_STAGE_TERMINAL, 0, errno);
    if (filesystem.f_type != DEVPTS_SUPER_MAGIC) cl_fail(child, CL_STAGE_TERMINAL, 0, ENOTTY);
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) cl_fail(child, CL_STAGE_TERMINAL, 0, errno);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) cl_fail(child, CL_STAGE_TERMINAL, 0, errno);
    struct winsize size = {.ws_row = child->plan->rows, .ws_col = child->plan->columns};
    if (ioctl(master, TIOCSWINSZ, &size) < 0) cl_fail(child, CL_STAGE_TERMINAL, 0, errno);
    if (child->devices >= 0 && bind_console(child, slave) < 0) cl_fail(child, CL_STAGE_TERMINAL, 1, errno);
    cl_send_descriptor(child, CL_STATUS_TERMINAL, CL_STAGE_TERMINAL, master);
    close(master);
    for (int i = 0; i < 3; i++)
        if (dup2(slave, i) < 0) cl_fail(child, CL_STAGE_TERMINAL, 4, errno);
    if (slave > 2) close(slave);
}

void cl_take_terminal(const struct cl_child *child) {
    if (ioctl(0, TIOCSCTTY, 0) < 0) cl_fail(child, CL_STAGE_TERMINAL, 3, errno);
}
