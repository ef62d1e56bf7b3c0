# SPDX-License-Identifier: MIT
"""The ways in which faults get into this process. The first that there is, is taken."""

import collections
import os

from . import _own_filter

VARIABLE = "MINDERBINDER_CONTROL"

Availability = collections.namedtuple("Availability", ["way", "others"])
Other = collections.namedtuple("Other", ["way", "why"])
Availability.__module__ = Other.__module__ = __package__


def available():
    """Which way faults get into this process, and why not the others. Installs nothing.

    `way` is "control" (the socket of minderbinder exec --control, which runs the tests), "own-filter" (this process installs
    a filter on itself when the first fault comes, for system calls only), or None. `others` is a list of the ways that
    are not taken, each with `way` and `why`.
    """
    if os.environ.get(VARIABLE):
        return Availability("control", [Other("own-filter", "the control socket comes first: it can inject network faults, too")])
    others = [Other("control", f"{VARIABLE} is not set: minderbinder does not run this")]
    refusal = _own_filter.refusal()
    if refusal is None:
        return Availability("own-filter", others)
    return Availability(None, [*others, Other("own-filter", str(refusal))])


def unavailable():
    """Why faults cannot be injected from here, or None: for unittest.skipIf."""
    way, others = available()
    return None if way is not None else "; ".join(other.why for other in others)


def way_in(reach):
    """The path of the control socket, and what has happened if it is there no more."""
    path = os.environ.get(VARIABLE)
    if path:
        return path, "minderbinder exec --control has ended, with the command that it ran, or was killed"
    return _own_filter.start(reach or ""), _own_filter.WHY_LOST
