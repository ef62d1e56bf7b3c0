/* SPDX-License-Identifier: MIT */
/* Prints what src/launcher/shared/wire.h says, for wire.test.ts to compare with src/launch/wire.ts. */
#include "../../../src/launcher/supervisor/near.h"
#include "../../../src/launcher/shared/wire.h"

#include <stdio.h>

#define SAY(name, value) printf("%s %zu\n", name, (size_t)(value))

int main(void)
{
	SAY("stage", WIRE_STAGE);
	SAY("go", WIRE_GO);
	SAY("count", WIRE_COUNT);
	SAY("lift", WIRE_LIFT);
	SAY("release", WIRE_RELEASE);
	SAY("staged", WIRE_STAGED);
	SAY("stageFailed", WIRE_STAGE_FAILED);
	SAY("execed", WIRE_EXECED);
	SAY("execFailed", WIRE_EXEC_FAILED);
	SAY("exited", WIRE_EXITED);
	SAY("counts", WIRE_COUNTS);
	SAY("lifted", WIRE_LIFTED);
	SAY("kill", WIRE_KILL);
	SAY("change", WIRE_CHANGE);
	SAY("changed", WIRE_CHANGED);
	SAY("changeFailed", WIRE_CHANGE_FAILED);
	SAY("changeReady", WIRE_CHANGE_READY);
	SAY("changeCommit", WIRE_CHANGE_COMMIT);
	SAY("changeAbandon", WIRE_CHANGE_ABANDON);
	SAY("clientSend", WIRE_CLIENT_SEND);
	SAY("clientClose", WIRE_CLIENT_CLOSE);
	SAY("clientOffer", WIRE_CLIENT_OFFER);
	SAY("outerSend", WIRE_OUTER_SEND);
	SAY("outerSaid", WIRE_OUTER_SAID);
	SAY("outerClosed", WIRE_OUTER_CLOSED);
	SAY("clientOpened", WIRE_CLIENT_OPENED);
	SAY("clientSaid", WIRE_CLIENT_SAID);
	SAY("clientClosed", WIRE_CLIENT_CLOSED);
	SAY("cgroup", WIRE_CGROUP);
	SAY("finish", WIRE_FINISH);
	SAY("view", WIRE_VIEW);
	SAY("viewSuspended", WIRE_VIEW_SUSPENDED);
	SAY("viewSuspend", WIRE_VIEW_SUSPEND);
	SAY("viewResume", WIRE_VIEW_RESUME);
	SAY("step cgroup", STEP_CGROUP);
	SAY("step fork", STEP_FORK);
	SAY("step limits", STEP_LIMITS);
	SAY("step user", STEP_USER);
	SAY("step seccomp", STEP_SECCOMP);
	SAY("step listener", STEP_LISTENER);
	SAY("step thread", STEP_THREAD);
	SAY("step memory", STEP_MEMORY);
	SAY("step trace", STEP_TRACE);
	SAY("step control", STEP_CONTROL);
	SAY("step outer", STEP_OUTER);
	SAY("scope tree", CALLER_TREE);
	SAY("scope process", CALLER_PROCESS);
	SAY("scope children", CALLER_CHILDREN);
	SAY("scope thread", CALLER_THREAD);
	SAY("scope exec", CALLER_EXEC);
	SAY("sizeof caller", sizeof(struct rule_caller));
	SAY("sizeof stage", sizeof(struct wire_stage));
	SAY("sizeof counts", sizeof(struct wire_counts));
	SAY("sizeof near", sizeof(struct near_path));
	SAY("sizeof slot counts", sizeof(struct slot_counts));
	SAY("offsetof slot counts", offsetof(struct slot_counts, counts));
	SAY("sizeof change", sizeof(struct wire_change));
	SAY("offsetof near", offsetof(struct near_path, path));
	SAY("offsetof seed", offsetof(struct wire_stage, seed));
	return 0;
}
