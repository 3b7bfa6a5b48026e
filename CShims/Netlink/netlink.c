#define _GNU_SOURCE
#include "cnetlink.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

int cnetlink_enter_network_namespace(int fd) {
    return setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
}

void cnetlink_name_thread(const char *name) {
    char kept[16];
    snprintf(kept, sizeof kept, "%s", name);
    pthread_setname_np(pthread_self(), kept);
}
