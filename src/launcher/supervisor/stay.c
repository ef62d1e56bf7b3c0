/* SPDX-License-Identifier: MIT */
#include "stay.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void stay(const struct way *way, int listener, int signals)
{
	for (;;) {
		struct pollfd sources[3] = { { .fd = listener },
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
