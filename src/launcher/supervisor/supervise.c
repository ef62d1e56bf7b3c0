/* SPDX-License-Identifier: MIT */
#include "supervise.h"
#include "client-orders.h"
#include "clients.h"
#include "changing.h"
#include "faults.h"
#include "joined.h"
#include "../shared/grace.h"
#include "notify.h"
#include "outer.h"
#include "passing.h"
#include "request.h"
#include "rule-orders.h"
#include "stay.h"
#include "stops.h"
#include "supervising.h"
#include "trace.h"
#include "../stage/stage.h"
#include "../shared/target.h"
#include "../shared/tree.h"
#include "../shared/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_SOURCES 6 /* that the main thread polls, apart from clients */

const struct supervisor *self;
struct stream front_stream;
static struct stream node_stream;
static struct faults faults = { .events = -1 };
static struct staged staged = { .listener = -1, .outer = -1 };
static const struct way *way; /* by which its calls come to us; NULL: none do */
static char *cgroup;
static int signals; /* signalfd for all of them */
static int child_exited;
static int kills_rest; /* what the child leaves behind ends with the session */

_Noreturn void kill_and_exit(void)
{
	clients_end();
	if (!joined_is()) /* else our only child is the keeper */
		tree_kill(cgroup, NULL);
	if (self->front < 0)
		tree_remove_cgroup(cgroup);
	stops_let_front_go();
	_exit(1);
}

void tell_node(u32 type, const void *payload, size_t length)
{
	if (wire_write(self->node, type, payload, length, NULL, 0) < 0 && errno != EPIPE)
		kill_and_exit();
}

void tell_front(u32 type, const void *payload, size_t length)
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

/* SIGCHLD is no longer ours. */
static int leave_children_to_it(void)
{
	sigset_t rest;

	sigfillset(&rest);
	sigdelset(&rest, SIGCHLD);
	return signalfd(signals, &rest, 0);
}

static void stage(struct frame *frame)
{
	struct stage_request request = { 0 };
	struct call_set calls;
	const struct way *calls_way = NULL;

	if (staged.pid || request_read_stage(frame, self, &request, &faults, &cgroup) < 0 ||
	    (request.joins && (!request.control || !faults_are_wanted(&faults)))) {
		stage_failed(STEP_PROTOCOL, EPROTO);
		return;
	}
	if (rule_orders_init(&faults) < 0 || faults_init(&faults) < 0) {
		stage_failed(STEP_MEMORY, errno);
		return;
	}
	if (request.control && clients_open(request.control, request.has_user ? request.uid : (uid_t)-1,
					    request.has_user ? request.gid : (gid_t)-1) < 0) {
		stage_failed(STEP_CONTROL, errno);
		return;
	}
	if (faults_are_wanted(&faults)) {
		calls_way = request.traces ? &way_trace : &way_notify;
		faults_calls(&faults, &calls);
		if (calls_way->add_calls)
			calls_way->add_calls(&calls);
		request.named = &calls;
		request.action = calls_way->action;
	}
	if ((request.joins ? joined_begin(&calls, request.control, &staged) : stage_child(&request, &staged)) < 0) {
		staged.pid = 0;
		stage_failed(staged.failed_step, errno);
		return;
	}
	if (calls_way && calls_way->start(&staged, &faults) < 0) {
		stage_failed(calls_way->start_step, errno);
		return;
	}
	way = calls_way;
	outer_begin(staged.outer);
	if (way && way->next_change && leave_children_to_it() < 0) {
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

	if (joined_is()) {
		if (joined_go() < 0 && errno != EPIPE)
			kill_and_exit();
		tell_node(WIRE_EXECED, NULL, 0);
		return;
	}
	if (way)
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
	if (way)
		way->lifted();
}

static _Noreturn void end_or_stay(void)
{
	struct pollfd users = { .fd = staged.listener };
	/* Hung up: no process has the filter any more (Linux 5.9). */
	const int users_left = staged.listener >= 0 &&
			       !(poll(&users, 1, 0) == 1 && users.revents & POLLHUP);
	const u32 stays = (u32)users_left;

	clients_end();
	stops_let_front_go();
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
	stay(way, staged.listener, signals);
}

/* The child's pid, to signal it; 0: none. Not reaped before child_exited is set: the pid is the child's. */
static pid_t living_child(void)
{
	return child_exited ? 0 : staged.pid;
}

/* What we did not start goes on. */
static _Noreturn void node_is_dead(void)
{
	if (!joined_is())
		kill_and_exit();
	lift();
	joined_without_node();
	end_or_stay();
}

static void from_node(void)
{
	struct frame frame;

	if (wire_read(&node_stream, &frame) != 1)
		node_is_dead();
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
		rule_orders_count();
		break;
	case WIRE_CHANGE:
		rule_orders_change(&frame);
		break;
	case WIRE_CHANGE_COMMIT:
		rule_orders_commit();
		break;
	case WIRE_CHANGE_ABANDON:
		rule_orders_abandon();
		break;
	case WIRE_CLIENT_SEND:
	case WIRE_CLIENT_OFFER:
	case WIRE_CLIENT_CLOSE:
		client_orders_send(&frame);
		break;
	case WIRE_OUTER_SEND:
		outer_send(&frame);
		break;
	case WIRE_LIFT:
		lift();
		tell_node(WIRE_LIFTED, NULL, 0);
		break;
	case WIRE_KILL:
		kills_rest = 1;
		if (living_child() && !joined_is())
			kill(staged.pid, SIGKILL);
		break;
	case WIRE_RELEASE:
		lift();
		if (kills_rest && child_exited) {
			clients_end();
			tree_kill(cgroup, NULL);
			_exit(0);
		}
		/* A child that was staged and never told to go, or could not exec, ends here. */
		if (staged.pid && !child_exited && !joined_is())
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

	clients_end();
	tree_kill(cgroup, NULL);
	close(self->node);
	close(self->events); /* node reads it to its end */
	if (self->node_process >= 0 && poll(&node, 1, GRACE_MS) == 0) {
		syscall(SYS_pidfd_send_signal, self->node_process, SIGKILL, NULL, 0);
		tree_remove_cgroup(cgroup);
	}
	_exit(1);
}

/* For a tracee, ours or another's, /proc says `t` at every stop: then what we have heard of its stops decides. */
static int is_stopped(void)
{
	const char state = way && way->next_change ? 't' : target_state(staged.pid);

	return state == 't' ? stops_child_is_stopped() : state == 'T';
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
		if (living_child() && is_stopped())
			kill(staged.pid, SIGCONT);
		tell_front(WIRE_CONTINUED, NULL, 0);
		break;
	case WIRE_RESUMED:
		stops_resumed();
		break;
	default:
		kill_and_exit();
	}
}

static void child_changed(const siginfo_t *info)
{
	const u32 payload[2] = { (u32)info->si_code, (u32)info->si_status };

	if (info->si_code == CLD_STOPPED) {
		stops_child_stopped(payload[1]);
	} else if (info->si_code == CLD_CONTINUED) {
		stops_child_goes_on();
	} else if (info->si_code != CLD_TRAPPED) {
		stops_child_goes_on();
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
		/* else an orphan: reaped */
	}
}

/* Only its parent knows how it has ended. */
static void from_joined(void)
{
	const siginfo_t info = { .si_code = CLD_EXITED };

	joined_ended();
	child_changed(&info);
}

static void from_tracer(void)
{
	siginfo_t info;

	while (way && way->next_change && way->next_change(&info))
		child_changed(&info);
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
		struct pollfd sources[OWN_SOURCES + 2 + CLIENTS_MAX] = { { .fd = supervisor->front, .events = POLLIN },
							       { .fd = supervisor->node, .events = POLLIN },
							       { .fd = signals, .events = POLLIN },
							       { .fd = way ? way->wakeup() : -1, .events = POLLIN },
							       { .fd = joined_end(), .events = POLLIN },
							       { .fd = outer_socket(), .events = POLLIN } };
		const u32 count = OWN_SOURCES + clients_poll(sources + OWN_SOURCES);
		const s64 next = earlier(earlier(way ? way->attend() : -1, stops_wake_front()),
					 passing_send(living_child()));
		struct timespec timeout = { next / 1000000000, next % 1000000000 };

		if (ppoll(sources, count, next < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR)
			kill_and_exit();
		/* Whatever poll() saw: our own signals first, then what the front says of its own (passing.h). */
		if (sources[0].revents || sources[2].revents)
			from_signals();
		if (sources[0].revents || sources[3].revents)
			from_tracer();
		if (sources[4].revents)
			from_joined();
		if (sources[0].revents)
			from_front();
		if (sources[1].revents)
			from_node();
		if (sources[5].revents && outer_socket() >= 0)
			outer_serve();
		client_orders_serve();
	}
}
