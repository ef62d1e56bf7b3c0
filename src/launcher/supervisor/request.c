/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes length bytes from the frame, or NULL if it is too short. */
static const void *take(struct frame *frame, size_t length)
{
	const void *at = frame->payload;

	if (frame->length < length)
		return NULL;
	frame->payload += length;
	frame->length -= (u32)length;
	return at;
}

/* A copy that is aligned and outlives the frame. */
static void *take_copy(struct frame *frame, size_t length)
{
	const void *at = take(frame, length);
	void *copy = at ? malloc(length + 1) : NULL;

	if (copy) {
		memcpy(copy, at, length);
		((char *)copy)[length] = 0;
	}
	return copy;
}

static int read_targets(struct frame *frame, const struct wire_stage *stage, struct targets *targets)
{
	struct target *list;

	if (frame->length / sizeof(*list) < stage->target_count)
		return -1;
	list = take_copy(frame, stage->target_count * sizeof(*list));
	targets->cgroup_root = take_copy(frame, stage->root_bytes);
	if (!list || !targets->cgroup_root)
		return -1;
	for (u32 i = 0; i < stage->target_count; i++) {
		list[i].name[TARGET_NAME_MAX - 1] = 0;
		if (list[i].rule >= stage->rule_count)
			return -1;
	}
	targets->list = list;
	targets->count = stage->target_count;
	return 0;
}

/* Users whose set-user-ID programs are spared: all but us, since they could gain by a fault in them. */
static const struct owner *spared_owner(const struct stage_request *request, u32 flags)
{
	static struct owner owner;

	if (!request->has_user || request->uid == geteuid() || flags & STAGE_INCLUDE_SETUID)
		return NULL;
	owner = (struct owner){ request->uid, request->gid, request->groups, request->group_count };
	return &owner;
}

/* The calls that rules may name later, and what the arguments of calls are. */
static int read_calls(struct frame *frame, u32 flags, struct faults *faults)
{
	faults->may_change = !!(flags & STAGE_CHANGES);
	if (faults->may_change) {
		const void *reach = take(frame, sizeof(faults->reach));

		if (!reach)
			return -1;
		memcpy(faults->reach, reach, sizeof(faults->reach));
	}
	if (!faults_are_wanted(faults))
		return 0;
	faults->shapes = take_copy(frame, SYSCALLS_MAX * sizeof(struct call_shape));
	return faults->shapes ? 0 : -1;
}

int request_read_stage(struct frame *frame, const struct supervisor *supervisor, struct stage_request *request,
		       struct faults *faults, char **cgroup)
{
	const struct wire_stage *stage = take_copy(frame, sizeof(*stage));

	if (!stage || stage->argv_index >= (u32)supervisor->inherited->argc || stage->capacity > RULES_MAX ||
	    stage->rule_count > stage->capacity)
		return -1;
	request->inherited = supervisor->inherited;
	request->argv = supervisor->inherited->argv + stage->argv_index;
	request->traces = !!(stage->flags & STAGE_TRACES);
	request->joins = !!(stage->flags & STAGE_JOINS);
	request->has_user = !!(stage->flags & STAGE_USER);
	request->uid = stage->uid;
	request->gid = stage->gid;
	request->group_count = stage->group_count;
	request->groups = take_copy(frame, stage->group_count * sizeof(u32));
	free(*cgroup); /* the one that was announced is this one, or could not be made */
	*cgroup = take_copy(frame, stage->cgroup_bytes);
	request->cgroup = *cgroup && **cgroup ? *cgroup : NULL;
	faults->first.add = take_copy(frame, stage->rule_count * sizeof(struct rule));
	if (!request->groups || !*cgroup || !faults->first.add || read_targets(frame, stage, &faults->targets) < 0)
		return -1;
	faults->first.add_count = stage->rule_count;
	faults->capacity = stage->capacity;
	faults->seed = stage->seed;
	faults->include_loader = !!(stage->flags & STAGE_INCLUDE_LOADER);
	faults->spared = spared_owner(request, stage->flags);
	faults->reports_all = !!(stage->flags & STAGE_EVENTS);
	faults->events = faults->reports_all || stage->control_bytes ? supervisor->events : -1;
	request->control = take_copy(frame, stage->control_bytes);
	request->outer = take_copy(frame, stage->outer_bytes);
	if (!request->control || !request->outer || read_calls(frame, stage->flags, faults) < 0)
		return -1;
	faults->has_clients = stage->control_bytes > 0;
	if (!faults->has_clients) {
		free(request->control);
		request->control = NULL;
	}
	request->spares = spared_owner(request, stage->flags) != NULL;
	if (!stage->outer_bytes) {
		free(request->outer);
		request->outer = NULL;
	}
	return frame->length == 0 ? 0 : -1;
}

int request_read_change(struct frame *frame, struct rule_change *change, const struct rule_caller **callers)
{
	const struct wire_change *head = take(frame, sizeof(*head));

	if (!head || head->add_count > RULES_MAX || head->remove_count > RULES_MAX)
		return -1;
	change->add_count = head->add_count;
	change->remove_count = head->remove_count;
	change->add = take(frame, change->add_count * sizeof(*change->add));
	*callers = take(frame, change->add_count * sizeof(**callers));
	change->callers = NULL;
	change->remove = take(frame, change->remove_count * sizeof(*change->remove));
	return change->add && *callers && change->remove && frame->length == 0 ? 0 : -1;
}
