/* SPDX-License-Identifier: MIT */
/* One call is answered by a tracer: a child goes under the engine's own filter and calls, and its parent answers. */
#include "../shared/filter.h"
#include "../supervisor/registers.h"
#include "probe.h"
#include "say.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER ENOTUNIQ /* no kernel's own answer to getppid(2) */

static _Noreturn void call(int go)
{
	struct call_set set = { 0 };
	char byte;
	int error;

	call_set_add(&set, SYS_getppid);
	error = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : filter_install(&set, SECCOMP_RET_TRACE);
	if (error < 0)
		_exit(-error);
	if (read(go, &byte, 1) != 1)
		_exit(EIO);
	_exit(syscall(SYS_getppid) == -1 && errno == ANSWER ? 0 : EPROTO);
}

/* Until it ends: 0, or what it said was wrong. */
static int answer(pid_t child)
{
	int status;

	for (;;) {
		if (waitpid(child, &status, __WALL) < 0)
			return errno;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return ECHILD;
		if (status >> 16 == PTRACE_EVENT_SECCOMP && registers_return(child, SYS_getppid, -ANSWER) < 0)
			return errno;
		if (ptrace(PTRACE_CONT, child, NULL, NULL) < 0)
			return errno;
	}
}

static int try_tracer(void)
{
	int go[2];
	pid_t child;
	int error;

	if (pipe(go) < 0)
		return errno;
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		close(go[1]);
		call(go[0]);
	}
	error = ptrace(PTRACE_SEIZE, child, NULL, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) < 0 ? errno : 0;
	if (!error && write(go[1], "", 1) != 1)
		error = errno;
	if (!error)
		return answer(child);
	if (kill(child, SIGKILL) == 0)
		waitpid(child, NULL, 0);
	return error;
}

int probe_ptrace(void)
{
	probe_say("tracer", try_tracer());
	return 0;
}
