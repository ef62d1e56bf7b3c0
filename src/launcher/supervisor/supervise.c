/* SPDX-License-Identifier: MIT */
#include "supervise.h"
#include "../shared/clock.h"
#include "faults.h"
#include "../shared/grace.h"
#include "near.h"
#include "notify.h"
#include "passing.h"
#include "receivers.h"
#include "reports.h"
#include "../stage/stage.h"
#include "../shared/target.h"
#include "../shared/tree.h"
#include "../shared/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAKE_NS 20000000 /* between two SIGCONTs for the front */

static const struct supervisor *self;
static struct stream node_stream, front_stream;
static struct faults faults = { .events = -1 };
static struct staged staged = { .listener = -1 };
static char *cgroup;
static int signals; /* signalfd for all of them */
static int child_exited, child_stopped;
static int stop_told;   /* WIRE_STOPPED is not yet answered by WIRE_RESUMED: the front may be stopped */
static u32 untold_stop; /* signal of the stop that came meanwhile and lasts; 0: none */
static int kills_rest;  /* what the child leaves behind ends with the session */

static void let_front_go(void);

static _Noreturn void kill_and_exit(void)
{
	tree_kill(cgroup, NULL);
	if (self->front < 0)
		tree_remove_cgroup(cgroup);
	let_front_go();
	_exit(1);
}

/* An answer that cannot be given means that its reader is dead: its socket's end of file says so next. */
static void tell_node(u32 type, const void *payload, size_t length)
{
	if (wire_write(self->node, type, payload, length, NULL, 0) < 0 && errno != EPIPE)
		kill_and_exit();
}

static void tell_front(u32 type, const void *payload, size_t length)
{
	if (self->front >= 0 && wire_write(self->front, type, payload, length, NULL, 0) < 0 &&
	    errno != EPIPE)
		kill_and_exit();
}

static void stage_failed(u32 step, int error)
{
	u32 payload[2] = { step, (u32)error };

	tell_node(WIRE_STAGE_FAILED, payload, sizeof(payload));
}

/* Takes length bytes from the frame, or NULL where it is too short. */
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

static int read_targets(struct frame *frame, const struct wire_stage *stage)
{
	struct target *list;

	if (frame->length / sizeof(*list) < stage->target_count)
		return -1;
	list = take_copy(frame, stage->target_count * sizeof(*list));
	faults.targets.cgroup_root = take_copy(frame, stage->root_bytes);
	if (!list || !faults.targets.cgroup_root)
		return -1;
	for (u32 i = 0; i < stage->target_count; i++) {
		list[i].name[TARGET_NAME_MAX - 1] = 0;
		if (list[i].rule >= stage->rule_count)
			return -1;
	}
	faults.targets.list = list;
	faults.targets.count = stage->target_count;
	return 0;
}

/* Whose set-user-ID programs are spared: those of another user than us, who could gain by a fault in them. */
static const struct owner *spared_owner(const struct stage_request *request, u32 flags)
{
	static struct owner owner;

	if (!request->has_user || request->uid == geteuid() || flags & STAGE_INCLUDE_SETUID)
		return NULL;
	owner = (struct owner){ request->uid, request->gid, request->groups, request->group_count };
	return &owner;
}

static int read_request(struct frame *frame, struct stage_request *request)
{
	const struct wire_stage *stage = take_copy(frame, sizeof(*stage));

	if (!stage || stage->argv_index >= (u32)self->inherited->argc ||
	    stage->rule_count > RULES_MAX || stage->active_count > stage->rule_count)
		return -1;
	request->inherited = self->inherited;
	request->argv = self->inherited->argv + stage->argv_index;
	request->has_user = !!(stage->flags & STAGE_USER);
	request->uid = stage->uid;
	request->gid = stage->gid;
	request->group_count = stage->group_count;
	request->groups = take_copy(frame, stage->group_count * sizeof(u32));
	free(cgroup); /* the one that was announced is this one, or could not be made */
	cgroup = take_copy(frame, stage->cgroup_bytes);
	request->cgroup = cgroup && *cgroup ? cgroup : NULL;
	faults.rules = take_copy(frame, stage->rule_count * sizeof(struct rule));
	faults.active = take_copy(frame, stage->active_count * sizeof(u32));
	if (!request->groups || !cgroup || !faults.rules || !faults.active ||
	    read_targets(frame, stage) < 0)
		return -1;
	faults.rule_count = stage->rule_count;
	faults.active_count = stage->active_count;
	faults.seed = stage->seed;
	faults.include_loader = !!(stage->flags & STAGE_INCLUDE_LOADER);
	faults.spared = spared_owner(request, stage->flags);
	faults.events = stage->flags & STAGE_EVENTS ? self->events : -1;
	for (u32 i = 0; i < faults.active_count; i++) {
		if (faults.active[i] >= faults.rule_count)
			return -1;
	}
	if (faults.active_count > 0) {
		faults.shapes = take_copy(frame, SYSCALLS_MAX * sizeof(struct call_shape));
		if (!faults.shapes)
			return -1;
	}
	return frame->length == 0 ? 0 : -1;
}

static void stage(struct frame *frame)
{
	struct stage_request request = { 0 };
	struct call_set calls;

	if (staged.pid || read_request(frame, &request) < 0) {
		stage_failed(STEP_PROTOCOL, EPROTO);
		return;
	}
	if (faults_init(&faults) < 0) {
		stage_failed(STEP_MEMORY, errno);
		return;
	}
	if (faults.active_count > 0) {
		faults_calls(&faults, &calls);
		request.notified = &calls;
	}
	if (stage_child(&request, &staged) < 0) {
		staged.pid = 0;
		stage_failed(staged.failed_step, errno);
		return;
	}
	if (staged.listener >= 0 && notify_start(staged.listener, &faults) < 0) {
		stage_failed(STEP_THREAD, errno);
		return;
	}
	if (inherited_close(STDIN_FILENO, STDERR_FILENO) < 0) {
		stage_failed(STEP_LIMITS, errno);
		return;
	}

	u32 pid = (u32)staged.pid;

	tell_node(WIRE_STAGED, &pid, sizeof(pid));
}

static void go(void)
{
	u32 error;

	if (staged.listener >= 0)
		faults_child(&faults, staged.pid);
	if (write(staged.go, "g", 1) != 1 && errno != EPIPE)
		kill_and_exit();

	int got = read_all(staged.result, &error, sizeof(error));

	if (got == 1) {
		tell_node(WIRE_EXEC_FAILED, &error, sizeof(error));
		return;
	}
	__atomic_store_n(self->execed, 1, __ATOMIC_RELEASE);
	tell_node(WIRE_EXECED, NULL, 0);
}

static void lift(void)
{
	faults_lift(&faults);
	notify_delays();
}

static void count(void)
{
	static struct {
		struct wire_counts head;
		struct near_path near[NEAR_MAX];
	} counts;

	counts.head.near_count = near_all(counts.near);
	counts.head.lost_events = reports_lost();
	counts.head.foreign_calls = faults.foreign_calls;
	counts.head.interrupted_calls = receivers_interrupted();
	counts.head.unsent_signals = faults.unsent_signals;
	counts.head.spared_calls = faults.spared_calls;
	counts.head.unread_loaders = faults.unread_loaders;
	if (wire_write(self->node, WIRE_COUNTS, &counts,
		       sizeof(counts.head) + counts.head.near_count * sizeof(counts.near[0]), faults.counts,
		       faults.rule_count * sizeof(struct rule_counts)) < 0 &&
	    errno != EPIPE)
		kill_and_exit();
}

/*
 * A filter cannot be taken off a process, and without a listener its calls fail with ENOSYS (seccomp(2)): as
 * long as anybody of the tree lives on, somebody has to let the named calls pass. Nobody else waits for us.
 */
static _Noreturn void end_or_stay(void)
{
	struct pollfd users = { .fd = staged.listener };
	/* Hung up: no process has the filter any more (Linux 5.9). */
	const int users_left = staged.listener >= 0 &&
			       !(poll(&users, 1, 0) == 1 && users.revents & POLLHUP);
	const u32 stays = (u32)users_left;

	let_front_go();
	tell_front(WIRE_RELEASED, &stays, sizeof(stays));
	if (!users_left)
		_exit(0);
	if (setsid() < 0 || chdir("/") < 0)
		_exit(0);
	close(self->node);
	close(self->front);
	close(self->events);
	if (self->node_process >= 0)
		close(self->node_process);
	for (;;) {
		struct pollfd sources[3] = { { .fd = staged.listener },
					     { .fd = notify_wakeup(), .events = POLLIN },
					     { .fd = signals, .events = POLLIN } };

		if (poll(sources, 3, -1) < 0 && errno != EINTR)
			_exit(1);
		if (sources[0].revents & POLLHUP)
			_exit(0);
		if (sources[1].revents)
			notify_delays();
		if (sources[2].revents) {
			struct signalfd_siginfo info;

			if (read(signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
				_exit(1);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
}

/* The child's pid, to signal it; 0: none. Not reaped before child_exited is set: the pid is the child's. */
static pid_t living_child(void)
{
	return child_exited ? 0 : staged.pid;
}

static void from_node(void)
{
	struct frame frame;

	if (wire_read(&node_stream, &frame) != 1)
		kill_and_exit(); /* node is dead */
	switch (frame.type) {
	case WIRE_CGROUP:
		free(cgroup);
		cgroup = strndup((const char *)frame.payload, frame.length);
		break;
	case WIRE_STAGE:
		stage(&frame);
		break;
	case WIRE_GO:
		go();
		break;
	case WIRE_COUNT:
		count();
		break;
	case WIRE_LIFT:
		lift();
		tell_node(WIRE_LIFTED, NULL, 0);
		break;
	case WIRE_KILL:
		kills_rest = 1;
		if (living_child())
			kill(staged.pid, SIGKILL);
		break;
	case WIRE_RELEASE:
		lift();
		if (kills_rest && child_exited) {
			tree_kill(cgroup, NULL);
			_exit(0);
		}
		/* A child that was staged and never told to go, or could not exec, ends here. */
		if (staged.pid && !child_exited)
			kill_and_exit();
		end_or_stay();
	default:
		kill_and_exit();
	}
}

/* Node undoes what it did, and ends; one that hangs, or is stopped, would be left for ever. */
static _Noreturn void front_is_dead(void)
{
	struct pollfd node = { .fd = self->node_process, .events = POLLIN };

	tree_kill(cgroup, NULL);
	close(self->node);
	if (self->node_process >= 0 && poll(&node, 1, GRACE_MS) == 0) {
		syscall(SYS_pidfd_send_signal, self->node_process, SIGKILL, NULL, 0);
		tree_remove_cgroup(cgroup);
	}
	_exit(1);
}

/* One at a time: the front that is stopped hears nothing, and must not stop for what is over. */
static void tell_untold_stop(void)
{
	const u32 signal = untold_stop;

	if (!signal || stop_told || self->front < 0)
		return;
	stop_told = 1;
	untold_stop = 0;
	tell_front(WIRE_STOPPED, &signal, sizeof(signal));
}

static void from_front(void)
{
	struct frame frame;

	if (wire_read(&front_stream, &frame) != 1)
		front_is_dead();
	switch (frame.type) {
	case WIRE_SIGNAL:
		passing_add((const struct wire_signal *)frame.payload, living_child());
		break;
	case WIRE_CONTINUE:
		if (living_child() && target_is_stopped(staged.pid))
			kill(staged.pid, SIGCONT);
		tell_front(WIRE_CONTINUED, NULL, 0);
		break;
	case WIRE_RESUMED:
		stop_told = 0;
		tell_untold_stop();
		break;
	default:
		kill_and_exit();
	}
}

static void child_changed(const siginfo_t *info)
{
	const u32 payload[2] = { (u32)info->si_code, (u32)info->si_status };

	if (info->si_code == CLD_STOPPED) {
		child_stopped = 1;
		untold_stop = payload[1];
		tell_untold_stop();
	} else if (info->si_code == CLD_CONTINUED) {
		child_stopped = 0;
		untold_stop = 0;
	} else if (info->si_code != CLD_TRAPPED) {
		child_stopped = 0;
		untold_stop = 0;
		child_exited = 1;
		tell_node(WIRE_EXITED, payload, sizeof(payload));
		tell_front(WIRE_ENDED, NULL, 0);
	}
}

static void from_children(void)
{
	for (;;) {
		siginfo_t info = { .si_pid = 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) < 0 ||
		    info.si_pid == 0)
			return;
		if (info.si_pid == staged.pid)
			child_changed(&info);
		/* else somebody's orphan: reaped */
	}
}

static void from_signals(void)
{
	struct signalfd_siginfo info;
	ssize_t n;

	while ((n = read(signals, &info, sizeof(info))) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			from_children();
		else
			passing_heard(&info);
	}
	if (n < 0 && errno != EAGAIN)
		kill_and_exit();
}

/*
 * The front stops itself where the child stopped, and reads nothing then. Who continues or kills the child by its pid
 * alone does not think of the front. Again and again, for a SIGCONT that comes just before its stop is lost.
 */
static s64 wake_front(void)
{
	static s64 next;
	const s64 now = monotonic_ns();

	if (!stop_told || child_stopped)
		return -1;
	if (now >= next) {
		if (getppid() == self->front_pid)
			kill(self->front_pid, SIGCONT);
		next = now + WAKE_NS;
	}
	return next - now;
}

/* Before this process ends, with nobody left to wake a front that stops now. Ends with the front's own end, too. */
static void let_front_go(void)
{
	struct pollfd front = { .fd = self->front, .events = POLLIN };
	struct frame frame;

	child_stopped = 0;
	while (stop_told) {
		const s64 next = wake_front();

		if (poll(&front, 1, (int)(next / 1000000) + 1) < 1)
			continue;
		if (wire_read(&front_stream, &frame) != 1)
			return;
		stop_told = frame.type != WIRE_RESUMED;
	}
}

/* -1: never */
static s64 earlier(s64 one, s64 other)
{
	return one < 0 || (other >= 0 && other < one) ? other : one;
}

void supervise(const struct supervisor *supervisor)
{
	sigset_t all;

	self = supervisor;
	passing_rename();
	node_stream.fd = supervisor->node;
	front_stream.fd = supervisor->front;
	sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		_exit(1);
	for (;;) {
		struct pollfd sources[4] = { { .fd = supervisor->front, .events = POLLIN },
					     { .fd = supervisor->node, .events = POLLIN },
					     { .fd = signals, .events = POLLIN },
					     { .fd = notify_wakeup(), .events = POLLIN } };
		const s64 next = earlier(earlier(notify_delays(), wake_front()),
					 passing_send(living_child()));
		struct timespec timeout = { next / 1000000000, next % 1000000000 };

		if (ppoll(sources, 4, next < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR)
			kill_and_exit();
		/* Whatever poll() saw: our own signals first, then what the front says of its own (passing.h). */
		if (sources[0].revents || sources[2].revents)
			from_signals();
		if (sources[0].revents)
			from_front();
		if (sources[1].revents)
			from_node();
	}
}

int supervise_for_node(int argc, char **argv)
{
	static struct inherited inherited;
	static struct supervisor supervisor = { .front = -1 };
	static int execed;
	sigset_t all;

	inherited.argc = argc;
	inherited.argv = argv;
	supervisor.inherited = &inherited;
	supervisor.execed = &execed;
	supervisor.node = SUPERVISOR_ORDERS;
	supervisor.events = SUPERVISOR_EVENTS;
	supervisor.node_process = -1; /* only a front that dies asks for it */
	sigfillset(&all);
	if (argc < 1 || inherited_record(&inherited) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
	    fcntl(SUPERVISOR_ORDERS, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SUPERVISOR_EVENTS, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(SUPERVISOR_EVENTS, F_SETFL, O_NONBLOCK) < 0)
		return 1;
	supervise(&supervisor);
}
