/* SPDX-License-Identifier: MIT */
#include "signals.h"
#include "../shared/grace.h"
#include "deadline.h"
#include "job-control.h"
#include "view.h"

#include <signal.h>

static int early;   /* came before the command ran */
static int parting; /* came while the command ran, and is one that people end programs with */

int early_signal(void)
{
	return early;
}

/* Where node has ended already, nothing is left to wait for. */
static void press(const struct run *run, int signal, s64 milliseconds)
{
	deadline_set(signal, run->finished && !run->node.pid ? 0 : milliseconds);
}

/* What the caller, a terminal and services end programs with. Others (USR1, ALRM, ...) often mean something else. */
static int ends_programs(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
}

static int ends_us(const struct run *run, int signal)
{
	return !inherited_ignores(run->inherited, signal) && ends_a_process(signal);
}

/* Ends the session where the child cannot. */
static void before_command(struct run *run, int signal)
{
	if (!ends_us(run, signal))
		return;
	if (!early && !run->finished) {
		early = signal;
		peer_abandon(&run->node);
	}
	press(run, signal, GRACE_MS);
}

/* Those that the caller ignores, too: COMMAND may have a handler for them, as it may under env. */
static void pass_on(struct run *run, const struct signalfd_siginfo *info)
{
	const int signal = (int)info->ssi_signo;
	const struct wire_signal message = { .signal = signal,
					     .code = info->ssi_code,
					     .pid = info->ssi_pid,
					     .uid = info->ssi_uid,
					     .value = (s64)info->ssi_ptr };

	if (!inherited_ignores(run->inherited, signal) && ends_programs(signal))
		parting = signal;
	/* A node that draws is in a session of its own: the terminal does not tell it. */
	if (signal == SIGWINCH && view_is_drawn() && run->node.pid)
		kill(run->node.pid, SIGWINCH);
	(void)peer_tell(&run->supervisor, WIRE_SIGNAL, &message, sizeof(message));
}

void take_signal(struct run *run, const struct signalfd_siginfo *info)
{
	const int signal = (int)info->ssi_signo;

	if (!has_execed(run))
		before_command(run, signal);
	else if (!run->ended)
		pass_on(run, info);
	else if (ends_us(run, signal))
		press(run, signal, GRACE_MS);
}

void command_ended(struct run *run)
{
	run->ended = 1;
	if (parting)
		press(run, parting, UNPRESSED_GRACE_MS);
}
