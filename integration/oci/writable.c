/* writable: whether whoever has a user namespace of their own can make the mount writable again that standard input was opened through: prints "made" or why not.
 * writable keep PROGRAM: runs the program with a null device behind a read-only mount as its standard input, the mount being held. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count == 3) {
        struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
        char path[32];
        int tree = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE);
        if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0) return 3;
        snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
        if (close(0) < 0 || open(path, O_RDWR) != 0) return 4;
        execl(words[2], words[2], NULL);
        return 5;
    }
    struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return printf("no namespaces: %s\n", strerror(errno)), 0;
    int made = mount_setattr(0, "", AT_EMPTY_PATH, &writable, sizeof writable) == 0;
    printf("%s\n", made ? "made" : strerror(errno));
    return 0;
}
