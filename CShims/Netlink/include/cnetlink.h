// libmnl, libnftnl and the kernel's netlink headers, for Swift.
#pragma once

#include <sched.h>
#include <stdint.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

/// setns(2) for a network namespace. glibc declares it only with _GNU_SOURCE. Returns 0 or an errno.
int cnetlink_enter_network_namespace(int fd);

/// Names the calling thread (at most 15 bytes are kept).
void cnetlink_name_thread(const char *name);
