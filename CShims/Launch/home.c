#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"

/* HOME as programs have come to expect it where nobody says it: what the container's own user database (passwd(5)) has for the process's user. */

enum { LONGEST_FIELD = 4080, MOST_READ = 1 << 20 }; /* who stands beyond has no entry */
enum { USER_FIELD = 2, HOME_FIELD = 5 };

static char home[LONGEST_FIELD + 8] = "HOME=";

/* Where in the file the walk is. */
struct walk {
    uint32_t field, digits;
    uint64_t user;
    size_t length; /* of the home directory so far */
};

/* One byte further; whether the line that it ends is the user's. */
static int step(struct walk *walk, char byte, uint32_t user, char *directory) {
    if (byte == '\n') {
        int is_entry = walk->field >= HOME_FIELD && walk->digits && walk->user == user && *directory == '/' && walk->length < LONGEST_FIELD;
        directory[is_entry ? walk->length : 0] = 0;
        *walk = (struct walk){0};
        return is_entry;
    }
    if (byte == ':') {
        walk->field++;
    } else if (walk->field == USER_FIELD) {
        int is_digit = byte >= '0' && byte <= '9' && walk->digits < 10;
        walk->digits = is_digit ? walk->digits + 1 : 0;
        walk->user = is_digit ? walk->user * 10 + (uint64_t)(byte - '0') : UINT64_MAX;
    } else if (walk->field == HOME_FIELD && walk->length < LONGEST_FIELD) {
        directory[walk->length++] = byte;
    }
    return 0;
}

/* Whether the file has the user. */
static int search(int file, uint32_t user, char *directory) {
    char bytes[4096];
    struct walk walk = {0};
    for (size_t done = 0; done < MOST_READ;) {
        ssize_t got = read(file, bytes, sizeof bytes);
        if (got <= 0) return step(&walk, '\n', user, directory);
        for (ssize_t i = 0; i < got; i++)
            if (step(&walk, bytes[i], user, directory)) return 1;
        done += (size_t)got;
    }
    return 0;
}

void cl_find_home(const struct cl_child *child) {
    const struct cl_plan *plan = child->plan;
    struct stat status;
    if (!(plan->flags & CL_PLAN_FIND_HOME) || !plan->envc) return;
    /* what an image may have put there instead of a file must not hold us up, nor be opened: to open a device is to use it already */
    int found = cl_open_inside(child->root, "/etc/passwd", O_PATH, 0);
    int is_file = found >= 0 && fstat(found, &status) == 0 && S_ISREG(status.st_mode);
    if (found >= 0) close(found);
    int file = is_file ? cl_open_inside(child->root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0) : -1;
    if (file < 0) return;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && search(file, plan->uid, home + strlen("HOME=")))
        plan->envp[plan->envc - 1] = home;
    close(file);
}
