/* SPDX-License-Identifier: MIT */
#include "front.h"
#include "environment.h"
#include "supervise.h"
#include "tree.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
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
#define SUSPEND_MS 1000 /* node gives the terminal back in a few */

enum relation { FRONT_NODE, FRONT_SUPERVISOR, NODE_SUPERVISOR, RELATIONS };

static const struct inherited *inherited;
static int *execed; /* shared with the supervisor */
static int sockets[RELATIONS][2];
static int events[2], messages[2];
static int signals;
static pid_t node, supervisor;
static int node_status;
static struct stream node_stream, supervisor_stream;
static int node_open = 1, supervisor_open = 1;
static char *cgroup;
static char *view; /* node draws on the terminal: what gives it back */
static int view_suspended;
static int finished; /* node said how to end */
static struct wire_finish finish;
static int released; /* the supervisor has done its work */
static u32 stays;    /* and serves processes that the child left behind */
static int early_signal;    /* came before the command ran: we die of it */
static int continue_asked;  /* WIRE_CONTINUE not yet answered */

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
				   .execed = execed };

	close_ends(others, sizeof(others) / sizeof(others[0]));
	supervise(&self);
}

/*
 * In a session of its own: ^C and ^Z are not for node, and it has no terminal to restore at its exit (node
 * saves termios of 0..2 and puts them back, over what the child has set).
 */
static _Noreturn void become_node(char *const *argv)
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
	int high[NODE_FDS];
	sigset_t none;

	for (int i = 0; i < NODE_FDS; i++) {
		high[i] = fcntl(source[i], F_DUPFD_CLOEXEC, NODE_FDS);
		if (high[i] < 0)
			fail("cannot start node");
	}
	for (int i = 0; i < NODE_FDS; i++) {
		if (dup2(high[i], i) < 0)
			fail("cannot start node");
	}
	sigemptyset(&none);
	if (setsid() < 0 || syscall(SYS_close_range, NODE_FDS, ~0u, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		fail("cannot start node");
	environment_exec(argv, terminals);
	fail("cannot run node (is Node.js 20 or newer in PATH?)");
}

static void start_node(char *const *argv)
{
	node = fork();
	if (node < 0)
		fail("cannot fork");
	if (node == 0)
		become_node(argv);
}

/* A child that dies of a signal may leave its core: ours must not overwrite it (as in timeout and strace). */
static _Noreturn void die_of(int signal)
{
	struct sigaction action;
	sigset_t only;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	sigemptyset(&only);
	sigaddset(&only, signal);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* Fails for SIGKILL, and for 32 and 33, which glibc keeps to itself: all three are at their default. */
	(void)sigaction(signal, &action, NULL);
	kill(getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	_exit(128 + signal);
}

/* Stops as the child did, so that whoever waits for us (a shell with job control) sees it. */
static void stop_of(int signal)
{
	struct sigaction stop, saved;
	sigset_t only;

	if (inherited_ignores(inherited, signal))
		signal = SIGSTOP;
	memset(&stop, 0, sizeof(stop));
	stop.sa_handler = SIG_DFL;
	sigemptyset(&only);
	sigaddset(&only, signal);
	if (signal != SIGSTOP && sigaction(signal, &stop, &saved) < 0)
		return;
	kill(getpid(), signal);
	if (signal == SIGSTOP)
		return;
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	/* Continued. */
	sigprocmask(SIG_BLOCK, &only, NULL);
	sigaction(signal, &saved, NULL);
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

/*
 * The terminal sends these to its whole foreground group, the child included; si_code tells them from those
 * that were meant for us alone. A session leader is the only one to hear of a hangup (tty_io(4)).
 */
static int child_has_it(const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGWINCH:
		return info->ssi_code == SI_KERNEL;
	case SIGHUP:
		return info->ssi_code == SI_KERNEL && getsid(0) != getpid();
	default:
		return 0;
	}
}

static int ends_a_process(int signal)
{
	return signal != SIGWINCH && signal != SIGURG && signal != SIGTSTP && signal != SIGTTIN &&
	       signal != SIGTTOU;
}

static void pass_on(const struct signalfd_siginfo *info)
{
	const int signal = (int)info->ssi_signo;
	struct wire_signal message = { .signal = signal,
				       .queued = info->ssi_code == SI_QUEUE,
				       .value = (s64)info->ssi_ptr };

	if (inherited_ignores(inherited, signal))
		return;
	if (!__atomic_load_n(execed, __ATOMIC_ACQUIRE)) {
		if (ends_a_process(signal) && !early_signal && !finished) {
			early_signal = signal;
			abandon_node();
		}
		return;
	}
	/* Node, in a session of its own, hears of it from nobody else. */
	if (signal == SIGWINCH && view && node)
		kill(node, SIGWINCH);
	if (!child_has_it(info) && supervisor_open)
		(void)wire_write(supervisor_stream.fd, WIRE_SIGNAL, &message, sizeof(message), NULL, 0);
}

static void from_supervisor(void);

/*
 * Its end of file may come late: a staged child that has not exec'd holds copies of its sockets. What it said
 * before it died still counts.
 */
static void supervisor_is_dead(void)
{
	struct pollfd said = { .fd = supervisor_stream.fd, .events = POLLIN };

	supervisor = 0;
	while (supervisor_open && poll(&said, 1, 0) == 1)
		from_supervisor();
	if (supervisor_open && !released)
		tree_kill(cgroup, node);
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
			supervisor_is_dead();
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
			if (supervisor_open &&
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
	} else if (frame.type == WIRE_SESSION) {
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
		/* Its last word: all is undone, written and closed. Its own way out (exit handlers, freeing a
		 * heap) is two milliseconds that the caller would wait for nothing. */
		if (node)
			kill(node, SIGKILL);
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
		stop_of(signal);
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
		supervisor_open = 0;
		/* Its tree is ours now; node hears of it through its own socket. */
		if (!released)
			tree_kill(cgroup, node);
	} else if (frame.type == WIRE_RELEASED && frame.length == sizeof(stays)) {
		memcpy(&stays, frame.payload, sizeof(stays));
		released = 1;
	} else if (frame.type == WIRE_CONTINUED) {
		continue_asked -= continue_asked > 0;
	} else if (frame.type == WIRE_STOPPED && frame.length == sizeof(signal) && !continue_asked) {
		memcpy(&signal, frame.payload, sizeof(signal));
		child_stopped((int)signal);
	}
}

/* 0 at end of file. */
static int relay_messages(void)
{
	char text[4096];
	ssize_t n = read(messages[0], text, sizeof(text));
	ssize_t done = 0;

	if (n < 0)
		return errno == EINTR;
	while (done < n) {
		ssize_t written = write(STDERR_FILENO, text + done, (size_t)(n - done));

		if (written < 0 && errno != EINTR)
			break; /* nobody reads: as if we were env */
		if (written > 0)
			done += written;
	}
	return n > 0;
}

static void run(void)
{
	int messages_open = 1;

	while (node || messages_open) {
		struct pollfd sources[4] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = node_open ? node_stream.fd : -1, .events = POLLIN },
			{ .fd = supervisor_open ? supervisor_stream.fd : -1, .events = POLLIN },
			{ .fd = messages_open ? messages[0] : -1, .events = POLLIN },
		};

		if (poll(sources, 4, -1) < 0 && errno != EINTR)
			fail("poll");
		/* Signals first: a SIGCONT makes what is said below about stopping stale. */
		if (sources[0].revents)
			from_signals();
		if (sources[1].revents && node_open)
			from_node();
		if (sources[2].revents && supervisor_open)
			from_supervisor();
		if (sources[3].revents)
			messages_open = relay_messages();
	}
	while (node_open)
		from_node();
	while (supervisor_open && !released)
		from_supervisor();
}

/* So that of ours nothing is left when the caller goes on; not where it stays on purpose. */
static void wait_for_supervisor(void)
{
	while (supervisor && !stays && waitpid(supervisor, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Node is gone and did not say how to end: it was killed, or never came up. */
static _Noreturn void end_without_node(void)
{
	abandon_node();
	abandon_supervisor();
	wait_for_supervisor();
	restore_terminal();
	tree_kill(cgroup, 0);
	tree_remove_cgroup(cgroup);
	if (early_signal)
		die_of(early_signal);
	if (WIFSIGNALED(node_status))
		fprintf(stderr,
			"minderbinder: node was killed by signal %d: the command was killed, since its "
			"faults were lost\n",
			WTERMSIG(node_status));
	_exit(EXIT_FAILED);
}

void front(const struct inherited *state, char *const *node_argv)
{
	struct rlimit files = state->files;
	sigset_t all;

	inherited = state;
	/* A low soft limit is the child's (it is put back for it), and too low for the descriptors above. */
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		fail("cannot raise RLIMIT_NOFILE");
	occupy_standard_descriptors();
	make_channels();
	block_signals();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		fail("cannot become a subreaper");
	start_supervisor();
	start_node(node_argv);

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
	if (finish.kind == FINISH_SIGNAL)
		die_of((int)finish.value);
	_exit((int)finish.value & 0xff);
}
