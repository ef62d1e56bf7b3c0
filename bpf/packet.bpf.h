/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What network rules are compared with: the remote end of one packet or of one connect(). */
#ifndef MINDERBINDER_PACKET_BPF_H
#define MINDERBINDER_PACKET_BPF_H

/* More extension headers than any real packet has (RFC 8200 section 4.1 lists eight places). */
#define EXTENSIONS_MAX 8

struct remote {
	u32 address[4]; /* network byte order; IPv4 in the first */
	u32 ifindex;    /* 0 for connect(): no interface has been chosen yet */
	u16 port;       /* host byte order */
	u8 family;      /* 4 or 6 */
	u8 protocol;    /* IPPROTO_* of the payload */
	u8 has_port;    /* 0: no port in this packet (ICMP, later fragments) */
	u8 elsewhere;   /* in another network namespace, where ifindex means another interface */
};

struct ipv4_header {
	u8 version_ihl;
	u8 tos;
	u16 length;
	u16 id;
	u16 fragment;
	u8 ttl;
	u8 protocol;
	u16 checksum;
	u32 source;
	u32 destination;
};

struct ipv6_header {
	u32 version_class_flow;
	u16 length;
	u8 next;
	u8 hop_limit;
	u32 source[4];
	u32 destination[4];
};

struct ipv6_extension {
	u8 next;
	u8 length;       /* in units that differ by kind */
	u16 fragment;    /* fragment header: offset in the upper 13 bits */
};

/*
 * Offsets count from the network header, wherever the link layer put it: tc sees an Ethernet header on
 * most interfaces and none on tunnels, cgroup programs never see one.
 */
static __always_inline int load(struct __sk_buff *skb, u32 offset, void *to, u32 length)
{
	return bpf_skb_load_bytes_relative(skb, offset, to, length, BPF_HDR_START_NET);
}

/* Only the first fragment holds the ports, which all of these protocols have in the same place. */
static __always_inline void parse_port(struct __sk_buff *skb, u32 offset, int direction, struct remote *r)
{
	u16 ports[2];

	switch (r->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		break;
	default:
		return;
	}
	if (load(skb, offset, ports, sizeof(ports)))
		return;
	r->port = ntohs(direction == DIRECTION_OUT ? ports[1] : ports[0]);
	r->has_port = 1;
}

static __always_inline int parse_ipv4(struct __sk_buff *skb, int direction, struct remote *r)
{
	struct ipv4_header ip;

	if (load(skb, 0, &ip, sizeof(ip)))
		return -1;
	r->family = 4;
	r->protocol = ip.protocol;
	r->address[0] = direction == DIRECTION_OUT ? ip.destination : ip.source;
	if (!(ip.fragment & htons(0x1fff)))
		parse_port(skb, (ip.version_ihl & 0xf) * 4, direction, r);
	return 0;
}

/* A place in a packet of IPv6. */
struct ipv6_place {
	u32 offset;
	u8 next;     /* what is there */
	u8 fragment; /* of a later fragment: that is not there */
	u8 padding[2];
};

/* Goes past an extension header. Returns 0: there is none. */
VERIFIED_APART int skip_extension(struct __sk_buff *skb, struct ipv6_place *at)
{
	struct ipv6_extension extension;
	u32 length;

	if (!at) /* never, see take_turn() */
		return 0;
	if (at->next != IPPROTO_HOPOPTS && at->next != IPPROTO_ROUTING && at->next != IPPROTO_DSTOPTS &&
	    at->next != IPPROTO_FRAGMENT && at->next != IPPROTO_AH)
		return 0;
	if (load(skb, at->offset, &extension, sizeof(extension)))
		return 0;
	length = (extension.length + 1) * 8;
	if (at->next == IPPROTO_AH)
		length = (extension.length + 2) * 4; /* RFC 4302 section 2.2 */
	if (at->next == IPPROTO_FRAGMENT) {
		length = 8;
		at->fragment = (extension.fragment & htons(0xfff8)) != 0;
	}
	at->next = extension.next;
	at->offset += length;
	return !at->fragment;
}

static __always_inline int parse_ipv6(struct __sk_buff *skb, int direction, struct remote *r)
{
	struct ipv6_place at = {};
	struct ipv6_header ip;
	u32 *address;
	int i;

	if (load(skb, 0, &ip, sizeof(ip)))
		return -1;
	r->family = 6;
	address = direction == DIRECTION_OUT ? ip.destination : ip.source;
	__builtin_memcpy(r->address, address, sizeof(r->address));
	at.offset = sizeof(ip);
	at.next = ip.next;
	for (i = 0; i < EXTENSIONS_MAX; i++)
		if (!skip_extension(skb, &at))
			break;
	r->protocol = at.next;
	if (!at.fragment)
		parse_port(skb, at.offset, direction, r);
	return 0;
}

/* Returns 0, or -1 for what is neither IPv4 nor IPv6 (ARP). `direction` says which end is the remote one. */
VERIFIED_APART int parse_packet(struct __sk_buff *skb, int direction, struct remote *r)
{
	if (!r) /* never, see take_turn() */
		return -1;
	__builtin_memset(r, 0, sizeof(*r));
	r->ifindex = skb->ifindex;
	if (skb->protocol == htons(ETH_P_IP))
		return parse_ipv4(skb, direction, r);
	if (skb->protocol == htons(ETH_P_IPV6))
		return parse_ipv6(skb, direction, r);
	return -1;
}

/* An Ethernet header: its addressee, and the protocol of its content. */
struct ethernet_header {
	u8 destination[6];
	u8 source[6];
	u16 protocol;
};

/*
 * A packet to a group, or to all: the machine itself gets a copy, if programs listen for it. Only the link layer knows
 * which address is everybody's in its network; if it has no header, only the addresses that are so everywhere count.
 */
VERIFIED_APART int is_to_several(struct __sk_buff *skb)
{
	struct ethernet_header ethernet;
	struct ipv4_header ip;

	if (skb->protocol == htons(ETH_P_IP)) {
		if (load(skb, 0, &ip, sizeof(ip)))
			return 0;
		if ((ip.destination & htonl(0xf0000000)) == htonl(0xe0000000) || ip.destination == 0xffffffff)
			return 1;
	}
	if (bpf_skb_load_bytes_relative(skb, 0, &ethernet, sizeof(ethernet), BPF_HDR_START_MAC))
		return 0;
	return ethernet.protocol == skb->protocol && (ethernet.destination[0] & 1);
}

static __always_inline int in_block(const u32 *address, const struct block *block)
{
	const u32 *to = (const u32 *)block->address;
	int word;

#pragma unroll
	for (word = 0; word < 4; word++) {
		s32 bits = (s32)block->prefix - word * 32;
		u32 mask = bits <= 0 ? 0 : bits >= 32 ? ~0u : htonl(~0u << (32 - bits));

		if ((address[word] ^ to[word]) & mask)
			return 0;
	}
	return 1;
}

/* Do all predicates of a network rule agree? `icmp` stands for ICMP and ICMPv6. */
VERIFIED_APART int rule_names(const struct rule *rule, const struct remote *r)
{
	if (!rule || !r) /* never, see take_turn() */
		return 0;
	if (rule->ifindex && (r->elsewhere || r->ifindex != rule->ifindex))
		return 0;
	if (rule->protocol && rule->protocol != r->protocol &&
	    !(rule->protocol == IPPROTO_ICMP && r->protocol == IPPROTO_ICMPV6))
		return 0;
	if (rule->port_count && (!r->has_port || !port_matches(rule, r->port)))
		return 0;
	for (u32 i = 0; i < RULE_BLOCKS_MAX && i < rule->to_count; i++) {
		if (rule->to[i].family == r->family && in_block(r->address, &rule->to[i]))
			return 1;
	}
	return !rule->to_count;
}

#endif
