#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include "cruntime.h"

/* A network namespace, with its loopback link and hundreds of parameters, takes the kernel three times as long as all the
 * others together. A thread, which alone is in it, has it made while the caller goes on. */

static pthread_t maker;
static int32_t made;

static void *make_network(void *unused) {
    (void)unused;
    int file = unshare(CLONE_NEWNET) < 0 ? -1 : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    made = file < 0 ? -errno : file;
    return NULL;
}

int32_t crt_network_begin(void) { return -pthread_create(&maker, NULL, make_network, NULL); }

int32_t crt_network_take(void) {
    int code = pthread_join(maker, NULL);
    return code ? -code : made;
}
