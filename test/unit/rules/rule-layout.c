/* SPDX-License-Identifier: MIT */
/* Prints where the fields of struct rule are, or (argument: a file of rules) what they hold. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "types.h"

#define FIELD(field) \
	printf("%s %zu %zu\n", #field, offsetof(struct rule, field), sizeof(((struct rule *)0)->field))

static void print_layout(void)
{
	printf("rule %zu\n", sizeof(struct rule));
	printf("call_shape %zu\n", sizeof(struct call_shape));
	printf("rule_counts %zu\n", sizeof(struct rule_counts));
	printf("target %zu\n", sizeof(struct target));
	printf("target.rule %zu\n", offsetof(struct target, rule));
	printf("target.kind %zu\n", offsetof(struct target, kind));
	printf("target.value %zu\n", offsetof(struct target, value));
	printf("target.name %zu\n", offsetof(struct target, name));
	printf("port_range %zu\n", sizeof(struct port_range));
	printf("port_range.low %zu\n", offsetof(struct port_range, low));
	printf("port_range.high %zu\n", offsetof(struct port_range, high));
	printf("block %zu\n", sizeof(struct block));
	printf("block.address %zu\n", offsetof(struct block, address));
	printf("block.family %zu\n", offsetof(struct block, family));
	printf("block.prefix %zu\n", offsetof(struct block, prefix));
	printf("pause.ns %zu\n", offsetof(struct pause, ns));
	printf("pause.spread %zu\n", offsetof(struct pause, spread));
	printf("target_kinds %d %d %d %d %d\n", TARGET_NAME, TARGET_GLOB, TARGET_PID, TARGET_UID,
	       TARGET_CGROUP);
	printf("RULES_MAX %u\n", RULES_MAX);
	printf("SYSCALLS_MAX %u\n", SYSCALLS_MAX);
	FIELD(kind);
	FIELD(outcome);
	FIELD(value);
	FIELD(threshold);
	FIELD(after_ns);
	FIELD(for_ns);
	FIELD(times);
	FIELD(when_first);
	FIELD(when_last);
	FIELD(when_step);
	FIELD(scope);
	FIELD(flags);
	FIELD(fd_count);
	FIELD(ifindex);
	FIELD(port_count);
	FIELD(protocol);
	FIELD(direction);
	FIELD(to_count);
	FIELD(slot);
	FIELD(share);
	FIELD(enter);
	FIELD(exit);
	FIELD(signal);
	FIELD(errors);
	FIELD(error_count);
	FIELD(fds);
	FIELD(ports);
	FIELD(to);
	FIELD(syscalls);
	FIELD(path);
}

static void print_pause(const char *name, const struct pause *pause)
{
	printf("\"%s\":[\"%lld\",\"%llu\"],", name, (long long)pause->ns, (unsigned long long)pause->spread);
}

static void print_rule(const struct rule *r)
{
	printf("{\"kind\":\"%s\",", r->kind == RULE_SYSCALL	 ? "syscall"
				    : r->kind == RULE_DROP_NET	 ? "drop-net"
				    : r->kind == RULE_REFUSE_NET ? "refuse-net"
								 : "?");
	printf("\"outcome\":\"%s\",", r->outcome == OUTCOME_ERRNO    ? "errno"
				      : r->outcome == OUTCOME_RETURN ? "return"
				      : r->outcome == OUTCOME_RUN    ? "run"
				      : r->outcome == OUTCOME_DROP   ? "drop"
				      : r->outcome == OUTCOME_REFUSE ? "refuse"
				      : r->outcome == OUTCOME_SHORT  ? "short"
								     : "?");
	printf("\"value\":\"%lld\",\"threshold\":\"%llu\",\"always\":%d,", (long long)r->value,
	       (unsigned long long)r->threshold, r->threshold == CHANCE_ALWAYS);
	printf("\"after\":\"%llu\",\"for\":\"%llu\",\"times\":\"%llu\",", (unsigned long long)r->after_ns,
	       (unsigned long long)r->for_ns, (unsigned long long)r->times);
	printf("\"when\":[%u,%u,%u],\"noEnd\":%d,", r->when_first, r->when_last, r->when_step,
	       r->when_last == WHEN_NO_END);
	printf("\"scope\":\"%s\",", r->scope == SCOPE_TREE	    ? "tree"
				   : r->scope == SCOPE_PROCESS ? "process"
				   : r->scope == SCOPE_THREAD  ? "thread"
							       : "?");
	printf("\"hasPath\":%d,\"fds\":[", !!(r->flags & RULE_HAS_PATH));
	for (u32 i = 0; i < RULE_FDS_MAX; i++) {
		if (r->fd_count && i >= r->fd_count && r->fds[i] != r->fds[r->fd_count - 1])
			printf("\"?\"");
	}
	for (u32 i = 0; i < r->fd_count && i < RULE_FDS_MAX; i++)
		printf("%s%d", i ? "," : "", r->fds[i]);
	printf("],");
	printf("\"ifindex\":%u,\"protocol\":%u,\"direction\":\"%s\",\"ports\":[", r->ifindex, r->protocol,
	       r->direction == DIRECTION_IN ? "in" : "out");
	for (u32 i = 0; i < r->port_count && i < RULE_PORTS_MAX; i++)
		printf("%s%u,%u", i ? "," : "", r->ports[i].low, r->ports[i].high);
	printf("],\"to\":[");
	for (u32 i = 0; i < r->to_count && i < RULE_BLOCKS_MAX; i++) {
		const struct block *block = &r->to[i];

		printf("%s[%u,%u", i ? "," : "", block->family, block->prefix);
		for (size_t k = 0; k < sizeof(block->address); k++)
			printf(",%u", block->address[k]);
		printf("]");
	}
	printf("],\"slot\":%u,\"share\":\"%llu\",", r->slot, (unsigned long long)r->share);
	print_pause("enter", &r->enter);
	print_pause("exit", &r->exit);
	printf("\"signal\":\"%llu\",\"errors\":[", (unsigned long long)r->signal);
	const char *comma = "";
	for (u64 i = 0; i < r->error_count && i < RULE_ERRORS_MAX; i++) {
		printf("%s%u", comma, r->errors[i]);
		comma = ",";
	}
	printf("],\"syscalls\":[");
	comma = "";
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (!(r->syscalls[number / 64] >> (number % 64) & 1))
			continue;
		printf("%s%u", comma, number);
		comma = ",";
	}
	printf("],\"path\":\"");
	size_t length = sizeof(r->path);

	while (length > 0 && !r->path[length - 1])
		length--;
	for (size_t i = 0; i < length; i++)
		printf("%02x", (unsigned char)r->path[i]);
	printf("\"}\n");
}

int main(int argc, char **argv)
{
	struct rule rule;
	FILE *file;

	if (argc < 2) {
		print_layout();
		return 0;
	}
	file = fopen(argv[1], "rb");
	if (!file) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	while (fread(&rule, sizeof(rule), 1, file) == 1)
		print_rule(&rule);
	return fclose(file) ? 1 : 0;
}
