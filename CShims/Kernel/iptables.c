#define _GNU_SOURCE
#include "ckernel.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The verdict of the last entry of FORWARD, which is the chain's policy. */
static int32_t policy(int fd, const struct ipt_getinfo *info) {
    socklen_t size = (socklen_t)(sizeof(struct ipt_get_entries) + info->size);
    struct ipt_get_entries *table = calloc(1, size);
    if (!table) return -ENOMEM;
    memcpy(table->name, info->name, sizeof table->name);
    table->size = info->size;
    int32_t result = -EBADMSG;
    uint32_t at = info->underflow[NF_INET_FORWARD];
    if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, table, &size) < 0) {
        result = -errno;
    } else if (at <= info->size && info->size - at >= sizeof(struct ipt_entry) + sizeof(struct xt_standard_target)) {
        const char *entry = (const char *)table->entrytable + at;
        uint32_t target = ((const struct ipt_entry *)entry)->target_offset;
        if (target <= info->size - at - sizeof(struct xt_standard_target))
            result = ((const struct xt_standard_target *)(entry + target))->verdict == -NF_DROP - 1;
    }
    free(table);
    return result;
}

int32_t ck_legacy_forward_drops(void) {
    struct ipt_getinfo info = {.name = "filter"};
    socklen_t size = sizeof info;
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0) return -errno;
    int32_t result = -ENOENT;
    if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) < 0) result = -errno;
    else if (info.valid_hooks & 1u << NF_INET_FORWARD && info.size < INT_MAX / 2) result = policy(fd, &info);
    close(fd);
    return result;
}
