/* SPDX-License-Identifier: MIT */
#include "front.h"
#include "../shared/clock.h"
#include "environment.h"
#include "../shared/grace.h"
#include "job-control.h"
#include "relay.h"
#include "shield.h"
#include "../supervisor/supervise.h"
#include "../shared/tree.h"
#include "../shared/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_FAILED 125
#define EVENT_PIPE_BYTES (1 << 20) /* the most that an ordinary user may have: fs.pipe-max-size */
#define NODE_FDS 8
#define NODE_STDOUT 6 /* launcherFds in src/launch/launcher.ts */
#define SUSPEND_MS 1000 /* node gives the terminal back in a few */
#define MS_NS 1000000ll

enum relation { FRONT_NODE, FRONT_SUPERVISOR, NODE_SUPERVISOR, RELATIONS };

static const struct inherited *inherited;
static int *execed; /* shared with the supervisor */
static int sockets[RELATIONS][2];
static int events[2], messages[2];
static int signals;
static pid_t node, supervisor;
static int node_process; /* pidfd */
static int node_status;
static struct pids earlier; /* children that the caller had before it became us */
static struct stream node_stream, supervisor_stream;
static int node_open = 1, supervisor_open = 1;
static char *cgroup;
static char *view; /* node draws on the terminal: what gives it back */
static int view_suspended;
static int finished; /* node said how to end */
static struct wire_finish finish;
static int released; /* the supervisor has done its work */
static u32 stays;    /* and serves processes that the child left behind */
static int ended;    /* the child has */
static int early_signal;    /* came before the command ran: we die of it */
static int parting_signal;  /* came while the command ran, and is one that people end programs with */
static int continue_asked;  /* WIRE_CONTINUE not yet answered */
static s64 deadline;        /* until then node may take its time; 0: for ever */
static int deadline_signal; /* what we die of then */
static int gave_up;         /* the deadline is over */
static int messages_open = 1, relayed = -1;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "minderbinder: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILED);
}

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

static void make_channels(void)
{
	for (int i = 0; i < RELATIONS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets[i]) < 0)
			fail("cannot make a socket");
	}
	if (pipe2(events, O_CLOEXEC) < 0 || pipe2(messages, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	/* Only the writing end: a supervisor never waits for its reader. A small pipe just loses sooner. */
	if (fcntl(events[1], F_SETFL, O_NONBLOCK) < 0)
		fail("cannot make a pipe");
	(void)fcntl(events[1], F_SETPIPE_SZ, EVENT_PIPE_BYTES);
	execed = mmap(NULL, sizeof(*execed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (execed == MAP_FAILED)
		fail("cannot share memory");
}

/* Ignored, SIGCHLD would reap children behind our back: no exit status for anybody (wait(2), NOTES). */
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

/* In both children: the ends that are not theirs, so that each sees the death of the one it talks to. */
static void close_ends(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

static void start_supervisor(void)
{
	const pid_t self_pid = getpid();

	supervisor = fork();
	if (supervisor < 0)
		fail("cannot fork");
	if (supervisor > 0)
		return;

	const int others[] = { sockets[FRONT_NODE][0],	    sockets[FRONT_NODE][1],
			       sockets[FRONT_SUPERVISOR][0], sockets[NODE_SUPERVISOR][0],
			       events[0],		    messages[0],
			       messages[1] };
	struct supervisor self = { .inherited = inherited,
				   .node = sockets[NODE_SUPERVISOR][1],
				   .front = sockets[FRONT_SUPERVISOR][1],
				   .events = events[1],
				   .front_pid = self_pid,
				   .node_process = node_process,
				   .execed = execed };

	close_ends(others, sizeof(others) / sizeof(others[0]));
	supervise(&self);
}

static int copy_above(int fd, int below)
{
	const int high = fcntl(fd, F_DUPFD_CLOEXEC, below);

	if (high < 0)
		fail("cannot start node");
	return high;
}

/*
 * In a session of its own: ^C and ^Z are not for node, and it has no terminal to restore at its exit (node
 * saves termios of 0..2 and puts them back, over what the child has set).
 */
static _Noreturn void become_node(char *const *argv, pid_t self)
{
	const unsigned terminals = environment_terminals();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* For a view of what happens; while this is still a process of the terminal's session. */
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	const int source[NODE_FDS] = { null,
				       null,
				       messages[1],
				       sockets[FRONT_NODE][1],
				       sockets[NODE_SUPERVISOR][0],
				       events[0],
				       STDOUT_FILENO,
				       terminal >= 0 ? terminal : null };
	int high[NODE_FDS + NAMED_MAX];
	struct named_descriptors named;
	struct descriptor_list list;
	sigset_t none;

	descriptors_named(inherited->argc, inherited->argv, &named);
	descriptor_list_start(&list);
	if (descriptor_is_callers(STDOUT_FILENO))
		descriptor_list_add(&list, STDOUT_FILENO, NODE_STDOUT);
	if (descriptor_is_callers(STDERR_FILENO)) /* what is said there goes there: relay.h */
		descriptor_list_add(&list, STDERR_FILENO, STDERR_FILENO);
	for (int i = 0; i < named.count; i++)
		descriptor_list_add(&list, named.fds[i], NODE_FDS + i);
	const int count = NODE_FDS + named.count;

	for (int i = 0; i < count; i++)
		high[i] = copy_above(i < NODE_FDS ? source[i] : named.fds[i - NODE_FDS], count);
	for (int i = 0; i < count; i++) {
		if (dup2(high[i], i) < 0)
			fail("cannot start node");
	}
	shield(shield_all);
	sigemptyset(&none);
	if (setsid() < 0 || syscall(SYS_close_range, count, ~0u, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		fail("cannot start node");
	environment_exec(argv, terminals, &list, self);
	fail(errno == E2BIG ? "cannot run node" :
			      "cannot run node (is Node.js 20 or newer in PATH?)");
}

/* First, for everybody waits for it. */
static void start_node(char *const *argv)
{
	const pid_t self = getpid();

	node = fork();
	if (node < 0)
		fail("cannot fork");
	if (node == 0)
		become_node(argv, self);
	/* Linux 5.3; without it, nobody ends a node that hangs when we are dead. */
	node_process = (int)syscall(SYS_pidfd_open, node, 0);
}

/* Ends the session where the child cannot: node undoes what it did when this socket closes, and ends. */
static void abandon_node(void)
{
	if (node_open) {
		node_open = 0;
		shutdown(node_stream.fd, SHUT_RDWR);
	}
}

static void abandon_supervisor(void)
{
	if (supervisor_open) {
		supervisor_open = 0;
		shutdown(supervisor_stream.fd, SHUT_RDWR);
	}
}

/* Node has this long to end by itself; an earlier end stays. Where it has ended already, nothing is left to wait for. */
static void press(int signal, s64 milliseconds)
{
	const s64 until = monotonic_ns() + (finished && !node ? 0 : milliseconds * MS_NS);

	if (!deadline || until < deadline) {
		deadline = until;
		deadline_signal = signal;
	}
}

/* What the caller, a terminal and services end programs with. Others (USR1, ALRM, ...) often mean something else. */
static int ends_programs(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

static void before_command(int signal)
{
	if (inherited_ignores(inherited, signal) || !ends_a_process(signal))
		return;
	if (!early_signal && !finished) {
		early_signal = signal;
		abandon_node();
	}
	press(signal, GRACE_MS);
}

/* Those that the caller ignores, too: COMMAND may have a handler for them, as it may under env. */
static void pass_on(const struct signalfd_siginfo *info)
{
	const int signal = (int)info->ssi_signo;
	const struct wire_signal message = { .signal = signal,
					     .code = info->ssi_code,
					     .pid = info->ssi_pid,
					     .uid = info->ssi_uid,
					     .value = (s64)info->ssi_ptr };

	if (!__atomic_load_n(execed, __ATOMIC_ACQUIRE)) {
		before_command(signal);
		return;
	}
	if (ended) {
		if (!inherited_ignores(inherited, signal) && ends_a_process(signal))
			press(signal, GRACE_MS);
		return;
	}
	if (!inherited_ignores(inherited, signal) && ends_programs(signal))
		parting_signal = signal;
	/* Node, in a session of its own, hears of it from nobody else. */
	if (signal == SIGWINCH && view && node)
		kill(node, SIGWINCH);
	if (supervisor_open)
		(void)wire_write(supervisor_stream.fd, WIRE_SIGNAL, &message, sizeof(message), NULL, 0);
}

static void from_supervisor(void);

/* All of our children but the supervisor, as long as that lives: what it starts becomes ours only when it dies. */
static void record_earlier(void)
{
	if (tree_children(&earlier) < 0)
		fail("cannot read /proc");
	for (size_t i = 0; i < earlier.count; i++) {
		if (earlier.list[i] == supervisor)
			earlier.list[i] = 0;
	}
}

/*
 * Its end of file may come late: a staged child that has not exec'd holds copies of its sockets. What it said
 * before it died still counts. One that exits has killed what was to be killed; of one that was killed, the tree is ours.
 */
static void supervisor_is_dead(int status)
{
	struct pollfd said = { .fd = supervisor_stream.fd, .events = POLLIN };

	supervisor = 0;
	while (supervisor_open && poll(&said, 1, 0) == 1)
		from_supervisor();
	if (!released && WIFSIGNALED(status)) {
		if (node)
			pids_add(&earlier, node);
		tree_kill(cgroup, &earlier);
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == node) {
			node = 0;
			node_status = status;
		} else if (pid == supervisor) {
			supervisor_is_dead(status);
		} else if (earlier.count > 0 && supervisor) {
			record_earlier(); /* its children have become ours */
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
			if (supervisor_open && (pid_t)info.ssi_pid != supervisor &&
			    wire_write(supervisor_stream.fd, WIRE_CONTINUE, NULL, 0, NULL, 0) == 0)
				continue_asked++;
		} else {
			pass_on(&info);
		}
	}
}

static void from_node(void)
{
	struct frame frame;

	if (wire_read(&node_stream, &frame) != 1) {
		node_open = 0;
	} else if (frame.type == WIRE_CGROUP) {
		free(cgroup);
		cgroup = strndup((const char *)frame.payload, frame.length);
	} else if (frame.type == WIRE_VIEW) {
		free(view);
		view = frame.length ? strndup((const char *)frame.payload, frame.length) : NULL;
	} else if (frame.type == WIRE_VIEW_SUSPENDED) {
		view_suspended = 1;
	} else if (frame.type == WIRE_FINISH && frame.length == sizeof(finish)) {
		memcpy(&finish, frame.payload, sizeof(finish));
		finished = 1;
	} else {
		node_open = 0;
	}
}

/* So that the shell finds its terminal as it knows it. */
static void suspend_view(void)
{
	struct pollfd said = { .fd = node_stream.fd, .events = POLLIN };

	view_suspended = 0;
	if (wire_write(node_stream.fd, WIRE_VIEW_SUSPEND, NULL, 0, NULL, 0) < 0)
		return;
	while (node_open && view && !view_suspended && poll(&said, 1, SUSPEND_MS) == 1)
		from_node();
}

static void resume_view(void)
{
	if (node_open && view)
		(void)wire_write(node_stream.fd, WIRE_VIEW_RESUME, NULL, 0, NULL, 0);
}

static void child_stopped(int signal)
{
	if (view && node_open) {
		suspend_view();
		from_signals(); /* a SIGCONT that came meanwhile would be lost in the stop */
	}
	if (!continue_asked)
		stop_of(inherited, signal);
	resume_view();
}

/* Node was killed while it drew: what it would have done last. */
static void restore_terminal(void)
{
	int terminal = view ? open("/dev/tty", O_WRONLY | O_CLOEXEC) : -1;

	if (terminal < 0)
		return;
	/* Not written: the terminal is gone, or its owner has no use for it. */
	if (write(terminal, view, strlen(view)) < 0)
		errno = 0;
	close(terminal);
}

static void from_supervisor(void)
{
	struct frame frame;
	u32 signal;

	if (wire_read(&supervisor_stream, &frame) != 1) {
		/* Node hears of it through its own socket; reap() does the rest. */
		supervisor_open = 0;
	} else if (frame.type == WIRE_RELEASED && frame.length == sizeof(stays)) {
		memcpy(&stays, frame.payload, sizeof(stays));
		released = 1;
	} else if (frame.type == WIRE_CONTINUED) {
		continue_asked -= continue_asked > 0;
	} else if (frame.type == WIRE_ENDED) {
		ended = 1;
		if (parting_signal)
			press(parting_signal, UNPRESSED_GRACE_MS);
	} else if (frame.type == WIRE_STOPPED && frame.length == sizeof(signal)) {
		memcpy(&signal, frame.payload, sizeof(signal));
		if (!continue_asked)
			child_stopped((int)signal);
		(void)wire_write(supervisor_stream.fd, WIRE_RESUMED, NULL, 0, NULL, 0);
	}
}

/* Node says something. Without a thread it is copied all the same, deaf to signals. */
static void relay_messages(void)
{
	char text[4096];
	ssize_t n;

	relayed = relay_start(messages[0], STDERR_FILENO);
	if (relayed >= 0)
		return;
	n = read(messages[0], text, sizeof(text));
	if (n == 0 || (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0 && errno != EINTR))
		messages_open = 0;
}

/* Milliseconds to wait, for poll(2). */
static int time_left(void)
{
	const s64 left = deadline ? (deadline - monotonic_ns() + MS_NS - 1) / MS_NS : -1;

	if (!deadline)
		return -1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void check_deadline(void)
{
	if (!deadline || monotonic_ns() < deadline)
		return;
	deadline = 0;
	gave_up = 1;
	if (node)
		kill(node, SIGKILL);
}

static void run(void)
{
	while (node || (messages_open && !gave_up)) {
		struct pollfd sources[4] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = node_open ? node_stream.fd : -1, .events = POLLIN },
			{ .fd = supervisor_open ? supervisor_stream.fd : -1, .events = POLLIN },
			{ .fd = !messages_open ? -1 : relayed >= 0 ? relayed : messages[0],
			  .events = POLLIN },
		};

		if (poll(sources, 4, time_left()) < 0 && errno != EINTR)
			fail("poll");
		/* Signals first: a SIGCONT makes what is said below about stopping stale. */
		if (sources[0].revents)
			from_signals();
		if (sources[1].revents && node_open)
			from_node();
		if (sources[2].revents && supervisor_open)
			from_supervisor();
		if (sources[3].revents & POLLIN)
			relay_messages();
		else if (sources[3].revents) /* hung up */
			messages_open = 0;
		check_deadline();
	}
	while (node_open)
		from_node();
	while (supervisor_open && !released)
		from_supervisor();
}

/* So that of ours nothing is left when the caller goes on; not where it stays on purpose. */
static void wait_for_supervisor(void)
{
	int status;

	while (supervisor && !stays) {
		if (waitpid(supervisor, &status, 0) == supervisor)
			supervisor_is_dead(status);
		else if (errno != EINTR)
			return;
	}
}

/* Node is gone and did not say how to end: it was killed, or never came up. */
static _Noreturn void end_without_node(void)
{
	abandon_node();
	abandon_supervisor();
	wait_for_supervisor();
	restore_terminal();
	tree_remove_cgroup(cgroup);
	if (early_signal)
		die_of(early_signal);
	if (gave_up)
		die_of(deadline_signal);
	if (WIFSIGNALED(node_status))
		fprintf(stderr, "minderbinder: node was killed by signal %d: %s\n", WTERMSIG(node_status),
			__atomic_load_n(execed, __ATOMIC_ACQUIRE) ?
				"the command was killed, since its faults were lost" :
				"the command did not run");
	if (WIFSIGNALED(node_status) && inherited_has_few_processes())
		fputs("minderbinder: hint: the hard limit of processes (ulimit -u) may be too low for node's "
		      "threads\n",
		      stderr);
	_exit(EXIT_FAILED);
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

/* `helper & exec minderbinder exec ...`: children of this process that are none of our business. */
static void find_earlier_children(void)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		record_earlier();
}

void front(const struct inherited *state, char *const *node_argv)
{
	sigset_t all;

	inherited = state;
	check_proc();
	occupy_standard_descriptors();
	block_signals();
	find_earlier_children();
	make_channels();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		fail("cannot become a subreaper");
	start_node(node_argv);
	start_supervisor();

	const int others[] = { sockets[FRONT_NODE][1],	     sockets[FRONT_SUPERVISOR][1],
			       sockets[NODE_SUPERVISOR][0], sockets[NODE_SUPERVISOR][1],
			       events[0],		     events[1],
			       messages[1] };

	close_ends(others, sizeof(others) / sizeof(others[0]));
	if (inherited_close(STDIN_FILENO, STDOUT_FILENO) < 0)
		fail("cannot close descriptors");
	node_stream.fd = sockets[FRONT_NODE][0];
	supervisor_stream.fd = sockets[FRONT_SUPERVISOR][0];
	sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail("cannot read signals");
	run();
	if (!finished)
		end_without_node();
	wait_for_supervisor();
	tree_remove_cgroup(cgroup); /* gone already, unless node could not undo what it did */
	if (early_signal)
		die_of(early_signal);
	if (gave_up)
		die_of(deadline_signal);
	if (finish.kind == FINISH_SIGNAL)
		die_of((int)finish.value);
	_exit((int)finish.value & 0xff);
}
