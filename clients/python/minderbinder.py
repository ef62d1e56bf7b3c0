# SPDX-License-Identifier: MIT
"""Faults in the code under test, for the length of one block.

    from minderbinder import failures

    def test_a_full_disk_is_reported(self):
        with failures("openat=ENOSPC,path=*.db"):
            self.assertFalse(save())

Start the tests with minderbinder in front: minderbinder exec --control -- python3 -m unittest.
The protocol is that of docs/control.md.
"""

import contextlib
import json
import os
import socket
import sys
import threading

__all__ = ["Error", "Failures", "NeverFired", "failures", "unavailable"]

VARIABLE = "MINDERBINDER_CONTROL"
VERSION = 1


class Error(Exception):
    """What minderbinder refuses. `code` is stable; `hint`, if it is not None, says what to do."""

    def __init__(self, code, message, hint=None):
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.code = code
        self.message = message
        self.hint = hint


class NeverFired(Error, AssertionError):
    """A fault never fired: the test has not tested what it says."""


def unavailable():
    """Why faults cannot be injected from here, or None: for unittest.skipIf."""
    return None if os.environ.get(VARIABLE) else f"{VARIABLE} is not set: minderbinder does not run this"


class _Connection:
    """One for all blocks that are open in this process, so that no fault of one is in the way of another."""

    _shared = None
    _guard = threading.Lock()

    @classmethod
    def join(cls):
        with cls._guard:
            # A process that was forked in a block is another client.
            if cls._shared is None or cls._shared._pid != os.getpid():
                cls._shared = cls()
            cls._shared._users += 1
            return cls._shared

    def leave(self):
        with self._guard:
            self._users -= 1
            if self._users == 0:
                if _Connection._shared is self:
                    _Connection._shared = None
                self._close()

    def __init__(self):
        why = unavailable()
        if why is not None:
            raise Error("MB_CONTROL", why, "start the tests with it: minderbinder exec --control -- python3 -m unittest")
        self._pid = os.getpid()
        self._users = 0
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(os.environ[VARIABLE])
            self._lines = self._socket.makefile("rb")
            self.seed = self.ask(type="hello", version=VERSION)["seed"]
        except OSError as error:
            self._socket.close()
            raise Error("MB_CONTROL", f"cannot connect to {os.environ[VARIABLE]}: {error}") from error

    def _close(self):
        self._lines.close()
        self._socket.close()

    def ask(self, **request):
        with self._lock:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._lines.readline()
        if not line:
            raise Error("MB_CONTROL", "minderbinder has closed the control socket")
        answer = json.loads(line)
        if answer["type"] == "error":
            raise Error(answer["code"], answer["message"], answer.get("hint"))
        return answer


class Failures:
    """Faults in force, until lift()."""

    def __init__(self, faults, scope, tid):
        self._connection = _Connection.join()
        try:
            more = {} if tid is None else {"tid": tid}
            answer = self._connection.ask(type="inject", faults=faults, scope=scope, **more)
        except BaseException:
            self._connection.leave()
            raise
        self._numbers = [rule["rule"] for rule in answer["rules"]]
        self._lifted = None
        self.seed = self._connection.seed

    def counts(self):
        """What each fault has done so far: a list of dicts with label, source, seen, matched and fired."""
        if self._lifted is not None:
            return self._lifted
        return self._connection.ask(type="counts", rules=self._numbers)["rules"]

    def lift(self):
        """From here on they hit nothing. Returns the counts, also the second time."""
        if self._lifted is None:
            try:
                self._lifted = self._connection.ask(type="lift", rules=self._numbers)["rules"]
            finally:
                self._connection.leave()
        return self._lifted

    @property
    def injections(self):
        """How often any of them has fired."""
        return sum(fault["fired"] for fault in self.counts())


@contextlib.contextmanager
def failures(*faults, scope="tree", require_hit=True):
    """A context manager, and a decorator for functions.

    Each fault is a text as minderbinder exec --syscall takes it, or a dict as in a configuration file. `scope` is "tree" (this
    process and all that descend from it), "process", "children" (what descends from it and starts from now on) or
    "thread" (the calling thread). A fault that never fires raises NeverFired at the end, unless `require_hit` is False.
    """
    tid = threading.get_native_id() if scope == "thread" else None
    in_force = Failures(list(faults), scope, tid)
    try:
        yield in_force
    except BaseException:
        with contextlib.suppress(Error, OSError):  # what the block has raised is what the test must hear of
            each = ", ".join(f"{fault['label']} fired {fault['fired']}x" for fault in in_force.lift())
            print(f"minderbinder: the block failed under: {each}; seed {in_force.seed}", file=sys.stderr)
        raise
    missed = [fault for fault in in_force.lift() if fault["fired"] == 0]
    if require_hit and missed:
        each = "; ".join(f"{fault['label']} never fired: {fault['whyNotFired']}" for fault in missed)
        hint = next((fault["hint"] for fault in missed if "hint" in fault), "require_hit=False allows it")
        raise NeverFired("MB_NEVER_FIRED", f"{each} (seed {in_force.seed})", hint)
