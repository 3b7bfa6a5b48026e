/* For Embedded Swift, which comes without it: what the module Glibc offers elsewhere, as far as swiftlet-oci uses it. Calls of varying length and
 * `errno` have the forms that they have there. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NAMED(name) __attribute__((swift_name(name)))

NAMED("getter:errno()") static inline int cglibc_errno(void) { return errno; }
NAMED("setter:errno(_:)") static inline void cglibc_set_errno(int code) { errno = code; }

NAMED("open(_:_:)") static inline int cglibc_open(const char *path, int flags) { return open(path, flags); }
NAMED("open(_:_:_:)") static inline int cglibc_open_mode(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
NAMED("openat(_:_:_:)") static inline int cglibc_openat(int folder, const char *path, int flags) { return openat(folder, path, flags); }
NAMED("fcntl(_:_:)") static inline int cglibc_fcntl(int file, int command) { return fcntl(file, command); }
NAMED("fcntl(_:_:_:)") static inline int cglibc_fcntl_number(int file, int command, int value) { return fcntl(file, command, value); }
NAMED("fcntl(_:_:_:)") static inline int cglibc_fcntl_lock(int file, int command, struct flock *lock) { return fcntl(file, command, lock); }
NAMED("ioctl(_:_:_:)") static inline int cglibc_ioctl(int file, unsigned long request, void *value) { return ioctl(file, request, value); }

/* Kinds of files have the type of the field that they are compared with. */
NAMED("S_IFMT") static const mode_t cglibc_ifmt = S_IFMT;
NAMED("S_IFBLK") static const mode_t cglibc_ifblk = S_IFBLK;
NAMED("S_IFCHR") static const mode_t cglibc_ifchr = S_IFCHR;
NAMED("S_IFDIR") static const mode_t cglibc_ifdir = S_IFDIR;
NAMED("S_IFIFO") static const mode_t cglibc_ififo = S_IFIFO;
NAMED("S_IFREG") static const mode_t cglibc_ifreg = S_IFREG;
NAMED("S_IFSOCK") static const mode_t cglibc_ifsock = S_IFSOCK;
#undef S_IFMT
#undef S_IFBLK
#undef S_IFCHR
#undef S_IFDIR
#undef S_IFIFO
#undef S_IFREG
#undef S_IFSOCK
