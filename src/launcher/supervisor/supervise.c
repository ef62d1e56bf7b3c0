/* SPDX-License-Identifier: MIT */
#include "supervise.h"
#include "../shared/clock.h"
#include "clients.h"
#include "faults.h"
#include "joined.h"
#include "../shared/grace.h"
#include "near.h"
#include "notify.h"
#include "passing.h"
#include "receivers.h"
#include "reports.h"
#include "request.h"
#include "trace.h"
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

#define OWN_SOURCES 5 /* that the main thread polls, besides clients */
#define WAKE_NS 20000000 /* between two SIGCONTs for the front */

static const struct supervisor *self;
static struct stream node_stream, front_stream;
static struct faults faults = { .events = -1 };
static struct {
	struct wire_counts head;
	struct near_path near[NEAR_MAX];
} counts;
static struct slot_counts *slot_counts; /* room for as many as there may be */
static struct rule_table *prepared; /* what a change would put in force; NULL: none is asked for */
static struct staged staged = { .listener = -1 };
static const struct way *way; /* by which its calls come to us; NULL: none do */
static char *cgroup;
static int signals; /* signalfd for all of them */
static int child_exited, child_stopped;
static int stop_told;   /* WIRE_STOPPED is not yet answered by WIRE_RESUMED: the front may be stopped */
static u32 untold_stop; /* signal of the stop that came meanwhile and lasts; 0: none */
static int kills_rest;  /* what the child leaves behind ends with the session */

static void let_front_go(void);

static _Noreturn void kill_and_exit(void)
{
	clients_end();
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

/* SIGCHLD is not ours any more. */
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
	slot_counts = calloc((size_t)faults.capacity + 1, sizeof(*slot_counts));
	if (!slot_counts || faults_init(&faults) < 0) {
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

/* What is not of single rules is as of now. */
static void tell_counts(u32 type, u32 near_count, u32 rule_count)
{
	counts.head.near_count = near_count;
	counts.head.lost_events = reports_lost();
	counts.head.foreign_calls = faults.foreign_calls;
	counts.head.interrupted_calls = receivers_interrupted();
	counts.head.unsent_signals = faults.unsent_signals;
	counts.head.spared_calls = faults.spared_calls;
	counts.head.unread_loaders = faults.unread_loaders;
	counts.head.refused_tracers = trace_refused();
	if (wire_write(self->node, type, &counts,
		       sizeof(counts.head) + near_count * sizeof(counts.near[0]), slot_counts,
		       rule_count * sizeof(*slot_counts)) < 0 &&
	    errno != EPIPE)
		kill_and_exit();
}

static void count(void)
{
	tell_counts(WIRE_COUNTS, near_all(counts.near), faults_counts(&faults, slot_counts));
}

/* As faults_changed(), for these callers. */
static struct rule_table *changed_for(struct rule_change *asked, const struct rule_caller *callers)
{
	struct caller *all = calloc((size_t)asked->add_count + 1, sizeof(*all));
	struct rule_table *table = NULL;
	int known = all ? 0 : -1;

	for (u32 i = 0; known == 0 && i < asked->add_count; i++)
		known = clients_resolve(&callers[i], &all[i]);
	asked->callers = all;
	if (known == 0)
		table = faults_changed(&faults, asked);

	const int error = errno;

	free(all);
	errno = error;
	return table;
}

static void change(struct frame *frame)
{
	const struct rule_caller *callers;
	struct rule_change asked;
	u32 error = EPROTO;

	if (!prepared && request_read_change(frame, &asked, &callers) == 0) {
		prepared = changed_for(&asked, callers);
		if (prepared) {
			tell_node(WIRE_CHANGE_READY, NULL, 0);
			return;
		}
		error = (u32)errno;
	}
	tell_node(WIRE_CHANGE_FAILED, &error, sizeof(error));
}

static void commit_change(void)
{
	if (!prepared)
		kill_and_exit();

	const u32 removed = faults_replace(&faults, prepared, slot_counts);

	prepared = NULL;
	tell_counts(WIRE_CHANGED, near_forget(counts.near, faults_have, &faults), removed);
}

static void abandon_change(void)
{
	if (!prepared)
		kill_and_exit();
	rule_table_free(prepared);
	prepared = NULL;
}

static void client_opened(u32 client, pid_t pid)
{
	const u32 payload[2] = { client, (u32)pid };

	tell_node(WIRE_CLIENT_OPENED, payload, sizeof(payload));
}

static void client_said(u32 client, const void *bytes, size_t length)
{
	if (wire_write(self->node, WIRE_CLIENT_SAID, &client, sizeof(client), bytes, length) < 0 && errno != EPIPE)
		kill_and_exit();
}

static void client_closed(u32 client)
{
	tell_node(WIRE_CLIENT_CLOSED, &client, sizeof(client));
}

static void from_clients(void)
{
	static const struct client_events events = { client_opened, client_said, client_closed };

	clients_serve(&events);
}

/* What follows the id of a client. */
static void send_to_client(const struct frame *frame)
{
	u32 client;

	if (frame->length < sizeof(client))
		kill_and_exit();
	memcpy(&client, frame->payload, sizeof(client));
	if (frame->type == WIRE_CLIENT_CLOSE)
		clients_close(client);
	else
		clients_send(client, frame->payload + sizeof(client), frame->length - sizeof(client));
}

/*
 * A filter cannot be taken off a process, and without a listener or a tracer its calls fail with ENOSYS (seccomp(2)): as
 * long as a process of the tree lives on, we stay to let the named calls pass. No other process waits for us.
 */
static _Noreturn void end_or_stay(void)
{
	struct pollfd users = { .fd = staged.listener };
	/* Hung up: no process has the filter any more (Linux 5.9). */
	const int users_left = staged.listener >= 0 &&
			       !(poll(&users, 1, 0) == 1 && users.revents & POLLHUP);
	const u32 stays = (u32)users_left;

	clients_end();
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
					     { .fd = way->wakeup(), .events = POLLIN },
					     { .fd = signals, .events = POLLIN } };

		if (poll(sources, 3, -1) < 0 && errno != EINTR)
			_exit(1);
		if (sources[0].revents & POLLHUP)
			_exit(0);
		if (sources[1].revents)
			way->attend();
		if (sources[2].revents) {
			struct signalfd_siginfo info;

			if (read(signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
				_exit(1);
			while (!way->next_change && waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
	}
}

/* The child's pid, to signal it; 0: none. Not reaped before child_exited is set: the pid is the child's. */
static pid_t living_child(void)
{
	return child_exited ? 0 : staged.pid;
}

/* What was not started by us goes on. */
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
		count();
		break;
	case WIRE_CHANGE:
		change(&frame);
		break;
	case WIRE_CHANGE_COMMIT:
		commit_change();
		break;
	case WIRE_CHANGE_ABANDON:
		abandon_change();
		break;
	case WIRE_CLIENT_SEND:
	case WIRE_CLIENT_CLOSE:
		send_to_client(&frame);
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

/* For a tracee /proc says `t` at every stop: then the tracer knows. */
static int is_stopped(void)
{
	return way && way->next_change ? child_stopped : target_state(staged.pid) == 'T';
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

/* How it has ended only its parent knows. */
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
		struct pollfd sources[OWN_SOURCES + 2 + CLIENTS_MAX] = { { .fd = supervisor->front, .events = POLLIN },
							       { .fd = supervisor->node, .events = POLLIN },
							       { .fd = signals, .events = POLLIN },
							       { .fd = way ? way->wakeup() : -1, .events = POLLIN },
							       { .fd = joined_end(), .events = POLLIN } };
		const u32 count = OWN_SOURCES + clients_poll(sources + OWN_SOURCES);
		const s64 next = earlier(earlier(way ? way->attend() : -1, wake_front()),
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
		from_clients();
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
