/* SPDX-License-Identifier: MIT */
#include "front.h"
#include "../shared/tree.h"
#include "../supervisor/supervise.h"
#include "children.h"
#include "deadline.h"
#include "ending.h"
#include "fail.h"
#include "job-control.h"
#include "relay.h"
#include "run.h"
#include "signals.h"
#include "start-node.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct run run;
static int signals;        /* signalfd for all of them */
static int continue_asked; /* WIRE_CONTINUE not yet answered */
static int released;       /* the supervisor has done its work */
static u32 stays;          /* and serves processes that the child left behind */

/*
 * So that no descriptor of ours is 0, 1 or 2 where the caller closed those; close-on-exec, so that the child
 * finds them closed as well.
 */
static void occupy_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		fail("cannot open /dev/null");
	close(fd);
}

/* Ignored, SIGCHLD would reap children behind our back: no exit status for its caller (wait(2), NOTES). */
static void block_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	if (sigaction(SIGCHLD, &by_default, NULL) < 0)
		fail("cannot wait for children");
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		fail("cannot block signals");
}

/* `node`: a pidfd */
static pid_t start_supervisor(int node)
{
	const pid_t front = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork");
	if (pid > 0)
		return pid;

	struct supervisor self = { .inherited = run.inherited,
				   .node = run.channels.sockets[NODE_SUPERVISOR][1],
				   .front = run.channels.sockets[FRONT_SUPERVISOR][1],
				   .events = run.channels.events[1],
				   .front_pid = front,
				   .node_process = node,
				   .execed = run.channels.execed };

	channels_keep_supervisors(&run.channels);
	supervise(&self);
}

static void from_supervisor(void);

/*
 * Its end of file may come late: a staged child that has not exec'd holds copies of its sockets. What it said
 * before it died still counts. One that exits has killed what was to be killed.
 */
static void supervisor_is_dead(int status)
{
	struct pollfd said = { .fd = run.supervisor.stream.fd, .events = POLLIN };

	run.supervisor.pid = 0;
	while (run.supervisor.open && poll(&said, 1, 0) == 1)
		from_supervisor();
	if (!released && WIFSIGNALED(status))
		children_kill_tree(&run);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == run.node.pid) {
			run.node.pid = 0;
			run.node_status = status;
		} else if (pid == run.supervisor.pid) {
			supervisor_is_dead(status);
		} else {
			children_had_orphans(&run);
		}
	}
}

static void from_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap();
		} else if (info.ssi_signo == SIGCONT) {
			/* The supervisor's means that the child goes on already. */
			if ((pid_t)info.ssi_pid != run.supervisor.pid &&
			    peer_tell(&run.supervisor, WIRE_CONTINUE, NULL, 0) == 0)
				continue_asked++;
		} else {
			take_signal(&run, &info);
		}
	}
}

static void from_node(void)
{
	struct frame frame;

	if (!peer_hear(&run.node, &frame))
		return;
	if (frame.type == WIRE_CGROUP) {
		free(run.cgroup);
		run.cgroup = strndup((const char *)frame.payload, frame.length);
	} else if (frame.type == WIRE_VIEW) {
		view_begins(&frame);
	} else if (frame.type == WIRE_VIEW_SUSPENDED) {
		view_is_suspended();
	} else if (frame.type == WIRE_FINISH && frame.length == sizeof(run.finish)) {
		memcpy(&run.finish, frame.payload, sizeof(run.finish));
		run.finished = 1;
	} else {
		run.node.open = 0;
	}
}

/* Stops as it did, and gives the shell its terminal as it knows it. */
static void child_stopped(int signal)
{
	if (view_is_drawn() && run.node.open) {
		if (view_suspend(&run.node)) {
			while (view_waits(&run.node))
				from_node();
		}
		from_signals(); /* a SIGCONT that came meanwhile would be lost in the stop */
	}
	if (!continue_asked)
		stop_of(run.inherited, signal);
	view_resume(&run.node);
}

static void from_supervisor(void)
{
	struct frame frame;
	u32 signal;

	/* The end of file is not the end: node hears of it through its own socket, and reap() does the rest. */
	if (!peer_hear(&run.supervisor, &frame))
		return;
	if (frame.type == WIRE_RELEASED && frame.length == sizeof(stays)) {
		memcpy(&stays, frame.payload, sizeof(stays));
		released = 1;
	} else if (frame.type == WIRE_CONTINUED) {
		continue_asked -= continue_asked > 0;
	} else if (frame.type == WIRE_ENDED) {
		command_ended(&run);
	} else if (frame.type == WIRE_STOPPED && frame.length == sizeof(signal)) {
		memcpy(&signal, frame.payload, sizeof(signal));
		if (!continue_asked)
			child_stopped((int)signal);
		(void)peer_tell(&run.supervisor, WIRE_RESUMED, NULL, 0);
	}
}

/* Until node has ended, and all that it said is copied. */
static void attend(void)
{
	while (run.node.pid || (relay_waits_for() >= 0 && !deadline_signal())) {
		struct pollfd sources[4] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = run.node.open ? run.node.stream.fd : -1, .events = POLLIN },
			{ .fd = run.supervisor.open ? run.supervisor.stream.fd : -1, .events = POLLIN },
			{ .fd = relay_waits_for(), .events = POLLIN },
		};

		if (poll(sources, 4, deadline_left()) < 0 && errno != EINTR)
			fail("poll");
		/* Signals first: after a SIGCONT the code below about stopping is stale. */
		if (sources[0].revents)
			from_signals();
		if (sources[1].revents && run.node.open)
			from_node();
		if (sources[2].revents && run.supervisor.open)
			from_supervisor();
		relay_ready(sources[3].revents);
		if (deadline_is_over() && run.node.pid)
			kill(run.node.pid, SIGKILL);
	}
	while (run.node.open)
		from_node();
	while (run.supervisor.open && !released)
		from_supervisor();
}

/* So that of ours nothing is left when the caller goes on; not where it stays on purpose. */
static void wait_for_supervisor(void)
{
	int status;

	while (run.supervisor.pid && !stays) {
		if (waitpid(run.supervisor.pid, &status, 0) == run.supervisor.pid)
			supervisor_is_dead(status);
		else if (errno != EINTR)
			return;
	}
}

/*
 * Everything that is done here to processes rests on /proc: that it is there, and shows the pid namespace that we are in
 * (after `unshare --pid` without --mount-proc it shows the one outside, where our numbers belong to others).
 */
static void check_proc(void)
{
	char self[16];
	const ssize_t length = readlink("/proc/self", self, sizeof(self) - 1);

	if (length > 0) {
		self[length] = 0;
		if (atoi(self) == getpid())
			return;
	}
	fputs("minderbinder: /proc is that of another pid namespace\n"
	      "minderbinder: hint: mount one for this namespace: unshare --mount-proc, bwrap --proc /proc, or "
	      "mount -t proc proc /proc\n",
	      stderr);
	_exit(EXIT_FAILED);
}

/* Node first: all the others wait for it. */
static void start_others(char *const *node)
{
	sigset_t all;

	run.node.pid = start_node(run.inherited, &run.channels, node);
	/* Linux 5.3; without it, a node that hangs when we are dead goes on. */
	run.supervisor.pid = start_supervisor((int)syscall(SYS_pidfd_open, run.node.pid, 0));
	channels_keep_fronts(&run.channels);
	if (inherited_close(STDIN_FILENO, STDOUT_FILENO) < 0)
		fail("cannot close descriptors");
	run.node.stream.fd = run.channels.sockets[FRONT_NODE][0];
	run.supervisor.stream.fd = run.channels.sockets[FRONT_SUPERVISOR][0];
	run.node.open = run.supervisor.open = 1;
	relay_init(run.channels.messages[0], STDERR_FILENO);
	sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail("cannot read signals");
}

void front(const struct inherited *inherited, char *const *node)
{
	run.inherited = inherited;
	check_proc();
	occupy_standard_descriptors();
	block_signals();
	children_find_earlier(&run);
	channels_make(&run.channels);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		fail("cannot become a subreaper");
	start_others(node);
	attend();
	if (!run.finished) {
		peer_abandon(&run.node);
		peer_abandon(&run.supervisor);
	}
	wait_for_supervisor();
	end(&run);
}
