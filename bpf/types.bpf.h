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
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_F_CLONE = 1 << 9 }; /* of sk_storage: what accept() gives has its listener's */
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_SK_STORAGE_GET_F_CREATE = 1 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };

#include <bpf/bpf_helpers.h>

enum {
	TC_ACT_UNSPEC = -1, /* and TCX_NEXT: the next program or filter decides */
};

enum { BPF_HDR_START_MAC = 0, BPF_HDR_START_NET = 1 };

/*
 * bpf_ringbuf_submit(): do not wake anyone. The reader polls (src/kernel/bpf/events.ts), which keeps the
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

#define ENOSYS 38
#define ECONNREFUSED 111

/* Opaque here: helpers take it. */
struct bpf_sock {
	u32 bound_dev_if;
};

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
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port;
	u32 local_port;
	u32 data_meta;
	u64 flow_keys __attribute__((aligned(8)));
	u64 tstamp;
	u32 wire_len;
	u32 gso_segs;
	struct bpf_sock *sk __attribute__((aligned(8)));
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
