/* SPDX-License-Identifier: MIT */
/*
 * All of ptrace(2) is one thread's: the one that seizes is the tracer. It keeps nothing of a tracee from one stop to the
 * next, except that a call is delayed or under way: each stop says itself what it is. Each request fails with ESRCH once the tracee was
 * killed; then waitpid(2) says so next.
 *
 * A wait of another thread of this process would take stops away (ptrace(2), __WNOTHREAD), so this one waits for all
 * children, and tells the thread that polls what the staged one does.
 */
#include "trace.h"
#include "bell.h"
#include "delays.h"
#include "enact.h"
#include "registers.h"
#include "same-cpu.h"
#include "thread.h"
#include "tracee.h"
#include "underway.h"
#include "../shared/target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                              \
	(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |            \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

#define RETURNS (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD: a call is about to return */

/* The kernel offers the stops of a busy thread first. So, at this interval, gather the stops of all threads. */
#define GATHER_EVERY 8
#define GATHERED_MAX 64

struct stop {
	pid_t tid;
	int status;
};

static struct faults *plan;
static pid_t child;
static int child_is_stopped;
static int changes[2] = { -1, -1 }; /* siginfo_t.si_code and .si_status of the child */
static u64 refused;

static struct seccomp_notif request;
static struct receiver tracer = { .request = &request };
static u64 stack; /* of the thread at this call */

static sem_t started;
static int start_error;

/* The call at which this thread is stopped, into `request` and `stack`: 1; 0: it is at none. */
static int read_call(pid_t tid)
{
	struct __ptrace_syscall_info info;
	const long got = ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info);

	must(got);
	/* Another stop: a thread that called exec has this one's tid by now. */
	if (got < 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return 0;
	request.pid = (u32)tid;
	request.data.nr = (int)info.seccomp.nr;
	request.data.arch = info.arch;
	request.data.instruction_pointer = info.instruction_pointer;
	for (u32 i = 0; i < ARGUMENTS_MAX; i++)
		request.data.args[i] = info.seccomp.args[i];
	stack = info.stack_pointer;
	return 1;
}

/* Does it want to trace what we trace? It will fail with EPERM. */
static int traces_ours(void)
{
	const u64 kind = request.data.args[0];

	if (request.data.arch != filter_native_arch || request.data.nr != SYS_ptrace)
		return 0;
	if (kind == PTRACE_TRACEME)
		return 1;
	return (kind == PTRACE_ATTACH || kind == PTRACE_SEIZE) &&
	       target_tracer((pid_t)request.data.args[1]) == gettid();
}

/*
 * A thread or process that is made with CLONE_UNTRACED has the filter and no tracer: its named calls would fail with ENOSYS,
 * and LeakSanitizer waits for ever for a thread that did not get its parent's pid. So it is made without the flag.
 */
static void have_it_traced(pid_t tid)
{
	__u64 *flags = &request.data.args[0];

	if (request.data.arch != filter_native_arch || request.data.nr != SYS_clone || !(*flags & CLONE_UNTRACED))
		return;
	*flags &= ~(u64)CLONE_UNTRACED;
	must(registers_set_argument(tid, 0, *flags));
}

static void at_call(pid_t tid)
{
	if (!read_call(tid))
		return;
	same_cpu_stopped(tid);
	underway_forget(tid);
	if (traces_ours())
		__sync_fetch_and_add(&refused, 1);
	have_it_traced(tid);
	enact(&request, stack, faults_decide(plan, &tracer));
}

static void tell(int code, int status)
{
	const int change[2] = { code, status };

	if (write(changes[1], change, sizeof(change)) != sizeof(change))
		abort();
}

static int is_stopping(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* A stop of its process, or the end of one; or a thread that has just been made (ptrace(2), "PTRACE_EVENT stops"). */
static void at_stop(pid_t tid, int signal)
{
	const int stops = is_stopping(signal);

	if (stops != child_is_stopped && target_process(tid) == child) {
		child_is_stopped = stops;
		tell(stops ? CLD_STOPPED : CLD_CONTINUED, stops ? signal : SIGCONT);
	}
	if (stops)
		must(ptrace(PTRACE_LISTEN, tid, NULL, NULL));
	else
		resume(tid, 0);
}

static void at_end(pid_t tid, int status)
{
	delays_forget((u64)tid);
	underway_forget(tid);
	underway_expect_none(tid);
	if (tid != child)
		return;
	if (WIFEXITED(status))
		tell(CLD_EXITED, WEXITSTATUS(status));
	else
		tell(WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(status));
}

static void at_exec(pid_t tid)
{
	unsigned long former = 0;

	must(ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former));
	underway_execs(tid, (pid_t)former);
}

static void handle(const struct stop *stop)
{
	const int status = stop->status;

	if (!WIFSTOPPED(status)) {
		at_end(stop->tid, status);
		return;
	}
	switch (status >> 16) {
	case 0:
		if (WSTOPSIG(status) == RETURNS)
			enact_returns(stop->tid);
		else
			underway_signal(stop->tid, WSTOPSIG(status));
		break;
	case PTRACE_EVENT_SECCOMP:
		at_call(stop->tid);
		break;
	case PTRACE_EVENT_STOP:
		at_stop(stop->tid, WSTOPSIG(status));
		break;
	case PTRACE_EVENT_EXEC: /* of another thread, perhaps, which has this one's tid from here on */
		delays_forget((u64)stop->tid);
		at_exec(stop->tid);
		break;
	default:
		underway_goes_on(stop->tid);
	}
}

/* How many; 0: none, but the bell has rung; -1: there will be none any more. */
static int gather(struct stop *stops)
{
	static u32 round;
	int count = 0;

	stops[0].tid = waitpid(-1, &stops[0].status, __WALL);
	if (stops[0].tid < 0)
		return errno == EINTR ? 0 : -1;
	count = 1;
	if (++round % GATHER_EVERY != 0)
		return count;
	while (count < GATHERED_MAX &&
	       (stops[count].tid = waitpid(-1, &stops[count].status, __WALL | WNOHANG)) > 0)
		count++;
	return count;
}

static int seize(void)
{
	return bell_make() < 0 || ptrace(PTRACE_SEIZE, child, NULL, OPTIONS) < 0 ? -1 : 0;
}

static void *trace(void *unused)
{
	struct stop stops[GATHERED_MAX];
	int count;

	start_error = seize() < 0 ? errno : 0;
	if (sem_post(&started) < 0)
		abort();
	if (start_error)
		return unused;
	same_cpu_make();
	while ((count = gather(stops)) >= 0) {
		for (int i = 0; i < count; i++)
			handle(&stops[i]);
		if (count == 0 || !delays_are_none())
			enact_due();
	}
	if (errno != ECHILD)
		abort();
	/* While it exists, no other thread can get its number: same-cpu.h. */
	for (;;)
		pause();
}

static void add_calls(struct call_set *calls)
{
	call_set_add_all(calls, SYS_ptrace);
	call_set_add_all(calls, SYS_clone);
}

static int start(const struct staged *staged, struct faults *faults)
{
	plan = faults;
	enact_start(faults);
	child = staged->pid;
	if (pipe2(changes, O_CLOEXEC) < 0 || fcntl(changes[0], F_SETFL, O_NONBLOCK) < 0 ||
	    sem_init(&started, 0, 0) < 0 || thread_start(trace, NULL) < 0)
		return -1;
	while (sem_wait(&started) < 0) {
		if (errno != EINTR)
			return -1;
	}
	errno = start_error;
	return start_error ? -1 : 0;
}

static int wakeup(void)
{
	return changes[0];
}

static s64 attend(void)
{
	return -1;
}

static void lifted(void)
{
	enact_soon();
}

static int next_change(siginfo_t *info)
{
	int change[2];

	if (read(changes[0], change, sizeof(change)) != sizeof(change))
		return 0;
	info->si_code = change[0];
	info->si_status = change[1];
	return 1;
}

u64 trace_refused(void)
{
	return __sync_fetch_and_add(&refused, 0);
}

const struct way way_trace = {
	.action = SECCOMP_RET_TRACE,
	.start_step = STEP_TRACE,
	.add_calls = add_calls,
	.start = start,
	.wakeup = wakeup,
	.attend = attend,
	.lifted = lifted,
	.next_change = next_change,
};
