# SPDX-License-Identifier: MIT
"""The ways in which faults get into this process. The first that there is, is taken."""

import collections
import os

from . import _own_filter, _own_serve

VARIABLE = "MINDERBINDER_CONTROL"

Availability = collections.namedtuple("Availability", ["way", "others"])
Other = collections.namedtuple("Other", ["way", "why"])
Availability.__module__ = Other.__module__ = __package__


def given_socket():
    """The path of the socket that the tests were given, or None."""
    return os.environ.get(VARIABLE) or None


def available():
    """Which way faults get into this process, and why not the others. Installs and starts nothing.

    `way` is "control" (the socket of minderbinder exec --control, which runs the tests, or of minderbinder serve), "serve" (as
    root, a minderbinder serve --stdio that this process starts when the first fault comes), "own-filter" (this process
    installs a filter on itself then, for system calls only; as root, for those that serve cannot fault), or None. `others` is
    a list of the ways that are not taken, each with `way` and `why`.
    """
    if given_socket():
        why = "the control socket comes first: whatever runs the tests has the faults of all of them"
        return Availability("control", [Other("serve", why), Other("own-filter", why)])
    no_socket = Other("control", f"{VARIABLE} is not set: minderbinder does not run this")
    no_serve = _own_serve.refusal()
    no_filter = _own_filter.refusal()
    if no_serve is None:
        why = no_filter or "minderbinder serve comes first, and leaves to it what it cannot fault"
        return Availability("serve", [no_socket, Other("own-filter", str(why))])
    others = [no_socket, Other("serve", str(no_serve))]
    if no_filter is None:
        return Availability("own-filter", others)
    return Availability(None, [*others, Other("own-filter", str(no_filter))])


def unavailable():
    """Why faults cannot be injected from here, or None: for unittest.skipIf."""
    way, others = available()
    # Both ways may have the same reason.
    return None if way is not None else "; ".join(dict.fromkeys(other.why for other in others))
