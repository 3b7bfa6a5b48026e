#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cruntime.h"

/* A network device goes to another namespace and keeps its addresses: those of global scope that do not end by themselves, which the kernel takes from it on
 * its way. The kernel moves it before it sees that its new name is taken there, so that is looked at before. What is moved and not wanted goes back the same
 * way, by its old name, with the addresses that it had, and is up if it was. */

enum { MOST_ADDRESSES = 64 };

struct request {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
    };
    char attributes[256];
};

struct crt_address {
    struct ifaddrmsg head;
    uint32_t flags;
    struct {
        uint16_t size;
        char bytes[16];
    } values[IFA_MAX + 1];
};

static void begin(struct request *request, uint16_t type, uint16_t flags, size_t head) {
    memset(request, 0, sizeof *request);
    request->header = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(head), .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
}

static void add(struct request *request, uint16_t type, const void *bytes, size_t size) {
    struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(size);
    memcpy(RTA_DATA(attribute), bytes, size);
    request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static int put(int socket, struct request *request) {
    static _Atomic uint32_t last;
    request->header.nlmsg_flags |= NLM_F_ACK;
    request->header.nlmsg_seq = ++last;
    return send(socket, request, request->header.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The kernel's own answer; -errno where it is lost. That to an earlier request may be in its way. */
static int take_answer(int socket, const struct request *request, int *code) {
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[1024];
    } answer;
    for (;;) {
        ssize_t got = recv(socket, &answer, sizeof answer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (answer.header.nlmsg_type != NLMSG_ERROR || answer.header.nlmsg_seq != request->header.nlmsg_seq) continue;
        *code = answer.error.error;
        return 0;
    }
}

/* 0 or -errno. */
static int ask(int socket, struct request *request) {
    int answer, code = put(socket, request);
    if (!code) code = take_answer(socket, request, &answer);
    return code ? code : answer;
}

/* The calling thread's: that of "self" is its process's first thread's. */
static int own_namespace(void) { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

static int socket_in(int namespace) {
    int own = own_namespace();
    if (own < 0) return -errno;
    if (setns(own, CLONE_NEWNET) < 0) { /* nor could we come back */
        int code = -errno;
        close(own);
        return code;
    }
    int fd = setns(namespace, CLONE_NEWNET) < 0 ? -1 : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), code = errno;
    if (setns(own, CLONE_NEWNET) < 0) abort(); /* our own cannot refuse us */
    close(own);
    return fd < 0 ? -code : fd;
}

/* What is to be kept of one address; 0 where it is not. */
static int keep(const struct nlmsghdr *header, uint32_t index, struct crt_address *kept) {
    const struct ifaddrmsg *head = NLMSG_DATA(header);
    int rest = (int)IFA_PAYLOAD(header);
    if (header->nlmsg_type != RTM_NEWADDR || head->ifa_index != index || head->ifa_scope != RT_SCOPE_UNIVERSE) return 0;
    memset(kept, 0, sizeof *kept);
    kept->head = *head;
    kept->flags = head->ifa_flags;
    for (const struct rtattr *at = IFA_RTA(head); RTA_OK(at, rest); at = RTA_NEXT(at, rest)) {
        size_t size = RTA_PAYLOAD(at);
        if (at->rta_type == IFA_FLAGS && size == sizeof kept->flags) memcpy(&kept->flags, RTA_DATA(at), size);
        int is_kept = at->rta_type == IFA_ADDRESS || at->rta_type == IFA_LOCAL || at->rta_type == IFA_BROADCAST || at->rta_type == IFA_RT_PRIORITY;
        if (!is_kept || size > sizeof kept->values[0].bytes) continue;
        kept->values[at->rta_type].size = (uint16_t)size;
        memcpy(kept->values[at->rta_type].bytes, RTA_DATA(at), size);
    }
    return kept->flags & IFA_F_PERMANENT ? 1 : 0;
}

/* How many, or -errno. */
static int addresses_of(int socket, uint32_t index, struct crt_address addresses[MOST_ADDRESSES]) {
    _Alignas(struct nlmsghdr) char buffer[32768];
    struct request request;
    int count = 0;
    begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof request.address);
    if (send(socket, &request, request.header.nlmsg_len, 0) < 0) return -errno;
    for (;;) {
        ssize_t got = recv(socket, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        for (struct nlmsghdr *header = (void *)buffer; NLMSG_OK(header, (uint32_t)got); header = NLMSG_NEXT(header, got)) {
            if (header->nlmsg_type == NLMSG_DONE) return count;
            if (header->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
            struct crt_address found;
            if (!keep(header, index, &found)) continue;
            if (count == MOST_ADDRESSES) return -E2BIG;
            addresses[count++] = found;
        }
    }
}

static int give_address(int socket, uint32_t index, const struct crt_address *address) {
    const uint32_t told = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
    struct request request;
    begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof request.address);
    request.address = address->head;
    request.address.ifa_index = index;
    request.address.ifa_flags = 0;
    for (uint16_t type = 0; type <= IFA_MAX; type++)
        if (address->values[type].size) add(&request, type, address->values[type].bytes, address->values[type].size);
    uint32_t flags = address->flags & told;
    add(&request, IFA_FLAGS, &flags, sizeof flags);
    return ask(socket, &request);
}

/* Whether there is a device of this number; -ENODEV. */
static int find(int socket, int index) {
    struct request request;
    begin(&request, RTM_GETLINK, 0, sizeof request.link);
    request.link.ifi_index = index;
    return ask(socket, &request);
}

/* Whether it is of a kind that is made by software, and ends with its namespace. Hardware mostly has no kind; which of those that have one the kernel gives back to
 * the node is its rtnl_link_ops.netns_refund to say. */
static int is_made(struct rtattr *information) {
    static const char *const given_back[] = {"can", "dsa", "ipoib"};
    int rest = (int)RTA_PAYLOAD(information);
    for (struct rtattr *at = RTA_DATA(information); RTA_OK(at, rest); at = RTA_NEXT(at, rest)) {
        if (at->rta_type != IFLA_INFO_KIND) continue;
        for (size_t i = 0; i < sizeof given_back / sizeof *given_back; i++)
            if (RTA_PAYLOAD(at) == strlen(given_back[i]) + 1 && memcmp(RTA_DATA(at), given_back[i], RTA_PAYLOAD(at)) == 0) return 0;
        return 1;
    }
    return 0;
}

static void read_device(const struct nlmsghdr *header, struct crt_device *device) {
    int rest = (int)IFLA_PAYLOAD(header);
    device->is_hardware = 1;
    for (struct rtattr *at = IFLA_RTA(NLMSG_DATA(header)); RTA_OK(at, rest); at = RTA_NEXT(at, rest)) {
        if (at->rta_type == IFLA_IFNAME && RTA_PAYLOAD(at) <= sizeof device->name) memcpy(device->name, RTA_DATA(at), RTA_PAYLOAD(at));
        if ((at->rta_type & NLA_TYPE_MASK) == IFLA_LINKINFO) device->is_hardware = !is_made(at);
    }
}

/* 0 or -errno: -ENODEV where there is none of this number. */
static int look_up(int socket, int index, struct crt_device *device) {
    _Alignas(struct nlmsghdr) char buffer[32768];
    const struct nlmsghdr *header = (void *)buffer;
    struct request request;
    begin(&request, RTM_GETLINK, 0, sizeof request.link);
    request.link.ifi_index = index;
    int code = put(socket, &request);
    if (code) return code;
    for (;;) {
        ssize_t got = recv(socket, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (!NLMSG_OK(header, (uint32_t)got) || header->nlmsg_seq != request.header.nlmsg_seq) continue;
        if (header->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
        if (header->nlmsg_type == RTM_NEWLINK) read_device(header, device);
    }
}

/* A number that no device has there: its own, if it can be. -errno. */
static int free_index(int socket, int index) {
    for (; index < INT32_MAX; index++) {
        int code = find(socket, index);
        if (code == -ENODEV) return index;
        if (code < 0) return code;
    }
    return -ENFILE;
}

/* Whether a device has the name there: -EEXIST, or what else is wrong. A pattern is the kernel's to fill in. */
static int check_free(int socket, const char *name) {
    struct request request;
    if (strchr(name, '%')) return 0;
    begin(&request, RTM_GETLINK, 0, sizeof request.link);
    add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    int code = ask(socket, &request);
    return code == 0 ? -EEXIST : code == -ENODEV ? 0 : code;
}

/* Where devices come from, or go to. */
struct place {
    int socket;
    int namespace;
};

/* `number` is what it has there: it is told as well where nobody can say whether the device went. */
static int carry(const struct place *from, const struct place *to, int index, int wanted, const char *name, int *number) {
    struct request request;
    int answer, free = free_index(to->socket, wanted), taken = check_free(to->socket, name);
    if (taken || free < 0) return taken ? taken : free;
    begin(&request, RTM_NEWLINK, 0, sizeof request.link);
    request.link.ifi_index = index;
    add(&request, IFLA_IFNAME, name, strlen(name) + 1);
    add(&request, IFLA_NET_NS_FD, &to->namespace, sizeof to->namespace);
    add(&request, IFLA_NEW_IFINDEX, &free, sizeof free);
    int code = put(from->socket, &request);
    if (code) return code;
    code = take_answer(from->socket, &request, &answer);
    if (code || !answer) *number = free;
    return code ? code : answer;
}

/* As far as it can be had; what failed first. */
static int settle(int socket, int index, const struct crt_moved *moved, int is_up) {
    struct request request;
    int first = 0, code;
    for (int i = 0; i < moved->address_count; i++) {
        code = give_address(socket, (uint32_t)index, &moved->addresses[i]);
        if (code && code != -EEXIST && !first) first = code;
    }
    if (!is_up) return first;
    begin(&request, RTM_NEWLINK, 0, sizeof request.link);
    request.link.ifi_index = index;
    request.link.ifi_flags = request.link.ifi_change = IFF_UP;
    code = ask(socket, &request);
    return first ? first : code;
}

/* To where it was, and is if a word of the kernel's was lost. */
static int carry_back(const struct place *here, const struct place *there, struct crt_moved *moved) {
    int index, code = find(there->socket, moved->number);
    if (code == -ENODEV) code = (index = (int)if_nametoindex(moved->old_name)) ? 0 : -errno;
    else if (!code) code = carry(there, here, moved->number, moved->old_number, moved->old_name, &index);
    if (code) return code;
    moved->number = 0;
    return settle(here->socket, index, moved, moved->was_up);
}

static int carry_over(const struct place *here, const struct place *there, const char *name, struct crt_moved *moved) {
    moved->addresses = calloc(MOST_ADDRESSES, sizeof *moved->addresses);
    if (!moved->addresses) return -ENOMEM;
    int count = addresses_of(here->socket, (uint32_t)moved->old_number, moved->addresses);
    if (count < 0) return count;
    moved->address_count = count;
    int code = carry(here, there, moved->old_number, moved->old_number, name, &moved->number);
    if (!code) code = settle(there->socket, moved->number, moved, 1);
    if (code && moved->number) carry_back(here, there, moved);
    return code;
}

static int is_up(int socket, const char *device) {
    struct ifreq request = {0};
    strcpy(request.ifr_name, device);
    return ioctl(socket, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_UP;
}

static int open_places(int namespace, struct place *here, struct place *there) {
    *here = (struct place){socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), own_namespace()};
    int code = here->socket < 0 || here->namespace < 0 ? -errno : 0;
    *there = (struct place){code ? -1 : socket_in(namespace), namespace};
    return code ? code : there->socket < 0 ? there->socket : 0;
}

static void close_places(const struct place *here, const struct place *there) {
    if (here->socket >= 0) close(here->socket);
    if (here->namespace >= 0) close(here->namespace);
    if (there->socket >= 0) close(there->socket);
}

int32_t crt_move_device(const char *device, int32_t namespace, const char *name, struct crt_moved *moved) {
    struct place here, there;
    if (strlen(device) >= IF_NAMESIZE || strlen(name) >= IF_NAMESIZE) return -ENAMETOOLONG;
    *moved = (struct crt_moved){.old_number = (int)if_nametoindex(device)};
    if (!moved->old_number) return -errno;
    strcpy(moved->old_name, device);
    int code = open_places(namespace, &here, &there);
    moved->was_up = !code && is_up(here.socket, device);
    if (!code) code = carry_over(&here, &there, name, moved);
    close_places(&here, &there);
    return code;
}

int32_t crt_return_device(struct crt_moved *moved, int32_t namespace) {
    struct place here, there;
    int code = open_places(namespace, &here, &there);
    /* Once more where it has failed, since the answer alone may have been lost. */
    for (int turn = 0; turn < 2 && !code && moved->number; turn++) {
        int failed = carry_back(&here, &there, moved);
        if (!moved->number || turn) code = failed;
    }
    close_places(&here, &there);
    return code;
}

void crt_forget_device(struct crt_moved *moved) {
    free(moved->addresses);
    moved->addresses = NULL;
}

int32_t crt_device_number(int32_t namespace, const char *name) {
    struct ifreq request = {0};
    if (strlen(name) >= IF_NAMESIZE) return -ENAMETOOLONG;
    strcpy(request.ifr_name, name);
    int there = socket_in(namespace);
    if (there < 0) return there;
    int code = ioctl(there, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
    close(there);
    return code;
}

int32_t crt_find_device(int32_t namespace, int32_t number, struct crt_device *device) {
    *device = (struct crt_device){.is_hardware = 0};
    int there = socket_in(namespace);
    if (there < 0) return there;
    int code = look_up(there, number, device);
    close(there);
    return code;
}
