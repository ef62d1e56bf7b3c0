/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The types rule.h needs, and the few kernel interfaces the BPF programs touch, declared by hand: no
 * vmlinux.h and no headers of the building machine, so that the same sources give the same object
 * everywhere. Everything here is UAPI (include/uapi/linux/bpf.h, in.h, if_ether.h) and so never changes.
 */
#ifndef MINDERBINDER_TYPES_BPF_H
#define MINDERBINDER_TYPES_BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

/* What <bpf/bpf_helper_defs.h> expects of <linux/types.h>. */
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#include <bpf/bpf_helpers.h>

enum {
	TC_ACT_UNSPEC = -1, /* and TCX_NEXT: the next program or filter decides */
};

enum { BPF_HDR_START_NET = 1 };

/*
 * bpf_ringbuf_submit(): do not wake anyone. The reader polls (src/kernel/bpf-events.ts), which keeps the
 * injected path short.
 */
enum { BPF_RB_NO_WAKEUP = 1 };

enum { ETH_P_IP = 0x0800, ETH_P_IPV6 = 0x86dd };

enum {
	IPPROTO_HOPOPTS = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_DCCP = 33,
	IPPROTO_ROUTING = 43,
	IPPROTO_FRAGMENT = 44,
	IPPROTO_AH = 51,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_DSTOPTS = 60,
	IPPROTO_SCTP = 132,
	IPPROTO_UDPLITE = 136,
	IPPROTO_MPTCP = 262,
};

#define ECONNREFUSED 111

/* Context of tc and cgroup_skb programs, up to the last field used. */
struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol; /* network byte order */
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
};

/* Context of cgroup/connect4 and connect6, up to the last field used. */
struct bpf_sock_addr {
	u32 user_family;
	u32 user_ip4;    /* network byte order */
	u32 user_ip6[4]; /* network byte order */
	u32 user_port;   /* network byte order, in the low 16 bits */
	u32 family;
	u32 type;
	u32 protocol;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define htons(x) ((u16)__builtin_bswap16(x))
#define htonl(x) ((u32)__builtin_bswap32(x))
#else
#define htons(x) ((u16)(x))
#define htonl(x) ((u32)(x))
#endif
#define ntohs(x) htons(x)

#endif
