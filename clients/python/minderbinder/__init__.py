# SPDX-License-Identifier: MIT
"""Faults in the code under test, for the length of one block.

    from minderbinder import failures

    def test_a_full_disk_is_reported(self):
        with failures("openat=ENOSPC,path=*.db"):
            self.assertFalse(save())

available() says how faults get into this process: without minderbinder exec --control in front, it gets a filter of its own,
and as root first a minderbinder serve.
"""

import contextlib
import sys
import threading

from ._errors import Error, NeverFired
from ._inject import inject
from ._ways import Availability, available, unavailable

__all__ = ["Availability", "Error", "Failures", "NeverFired", "available", "failures", "unavailable"]


class Failures:
    """Faults in force, until lift()."""

    def __init__(self, faults, scope, tid, reach):
        more = {} if tid is None else {"tid": tid}
        self._parts = inject({"faults": faults, "scope": scope, **more}, reach)
        self._lifted = None
        self.seed = self._parts[0].connection.seed

    def counts(self):
        """What each fault has done so far: a list of dicts with label, source, seen, matched and fired."""
        if self._lifted is not None:
            return self._lifted
        self._check_whose()
        return self._in_order([part.counts() for part in self._parts])

    def lift(self):
        """From here on they hit nothing. Returns the counts, also the second time."""
        if self._lifted is None:
            self._check_whose()
            self._lifted = self._in_order(self._lift_parts())
        return self._lifted

    def _lift_parts(self):
        lifted = []
        with contextlib.ExitStack() as rest:  # each, whatever becomes of the others
            for part in reversed(self._parts):
                rest.callback(lambda part=part: lifted.append(part.lift()))
        return lifted

    def _in_order(self, counts):
        """`counts` are those of each part, in the order of its rules."""
        placed = [pair for part, each in zip(self._parts, counts) for pair in zip(part.places, each)]
        return [each for _, each in sorted(placed, key=lambda pair: pair[0])]

    @property
    def is_inherited(self):
        """Is this a process that was forked while they were in force? They are its parent's, which lifts them."""
        return self._parts[0].connection.is_inherited

    def _check_whose(self):
        if self.is_inherited:
            raise Error(
                "MB_CONTROL",
                "these faults are those of the process that this one was forked from",
                "count and lift them there, or inject others here",
            )

    @property
    def injections(self):
        """How often any of them has fired."""
        return sum(fault["fired"] for fault in self.counts())


@contextlib.contextmanager
def failures(*faults, scope="tree", require_hit=True, reach=None):
    """A context manager, and a decorator for functions.

    Each fault is a text as minderbinder exec --syscall takes it, or a dict as in a configuration file. `scope` is "tree" (this
    process and all that descend from it), "process", "children" (what descends from it and starts from now on) or
    "thread" (the calling thread). A fault that never fires raises NeverFired at the end, unless `require_hit` is False.

    `reach` counts without minderbinder exec --control, and only for the first faults of a process: the system calls that
    its faults may name, as --control=SET has them ("%file+connect"). Default: all but those that wait.
    """
    tid = threading.get_native_id() if scope == "thread" else None
    in_force = Failures(list(faults), scope, tid, reach)
    try:
        yield in_force
    except BaseException:
        if in_force.is_inherited:
            raise
        with contextlib.suppress(Error, OSError):  # what the block has raised is what the test must hear of
            each = ", ".join(f"{fault['label']} fired {fault['fired']}x" for fault in in_force.lift())
            print(f"minderbinder: the block failed under: {each}; seed {in_force.seed}", file=sys.stderr)
        raise
    if in_force.is_inherited:
        return
    missed = [fault for fault in in_force.lift() if fault["fired"] == 0]
    if require_hit and missed:
        each = "; ".join(f"{fault['label']} never fired: {fault['whyNotFired']}" for fault in missed)
        hint = next((fault["hint"] for fault in missed if "hint" in fault), "require_hit=False allows it")
        raise NeverFired("MB_NEVER_FIRED", f"{each} (seed {in_force.seed})", hint)
