/* SPDX-License-Identifier: MIT */
#include "job-control.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A child that dies of a signal may leave its core: ours must not overwrite it (as in timeout and strace). */
_Noreturn void die_of(int signal)
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

/* Stops as the child did, so that our parent (a shell with job control) sees it. */
void stop_of(const struct inherited *inherited, int signal)
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

int ends_a_process(int signal)
{
	return signal != SIGWINCH && signal != SIGURG && signal != SIGTSTP && signal != SIGTTIN &&
	       signal != SIGTTOU;
}
