# SPDX-License-Identifier: MIT
"""minderbinder serve --stdio, which this process starts for itself if it may. It ends with this process."""

import atexit
import contextlib
import os
import socket
import subprocess

from . import _own_filter
from ._connection import Connection
from ._errors import Error
from ._forking import guard, in_child
from ._installed import installed

WHY_LOST = "minderbinder serve, which this process had started, has ended or was killed"
FIRST_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO of include/linux/proc_ns.h

_serve = None
_failure = None  # code, message and hint
_sees_machine = None
_was_forked = False


class _Serve(subprocess.Popen):
    """Its connection is `connection`."""

    def __del__(self, *_):
        """Popen warns here of a program that still runs: this one ends by itself, after this process."""


def is_root():
    return os.geteuid() == 0


def refusal():
    """Why there can be none, or None: there is one, or can be."""
    if not is_root():
        return Error("MB_NO_PERMISSION", "minderbinder serve needs root")
    with guard:
        return None if _is_there() else _why_not_start()


def own_serve():
    """The connection to the one of this process, for all its threads."""
    global _serve, _failure
    with guard:
        if _is_there():
            return _serve.connection
        why = _why_not_start()
        if why is not None:
            raise why
        if _serve is not None:
            _serve.connection.close()
            _await_end(_serve)
        try:
            _serve = _start()
        except Error as error:
            _failure = error.code, error.message, error.hint
            raise
        return _serve.connection


@atexit.register
def _end():
    """At its end Python warns of sockets that are open. A forked child, which runs this too, has none."""
    if _serve is not None and not _serve.connection.is_inherited:
        _serve.connection.close()


def _is_there():
    return _serve is not None and not _serve.connection.is_inherited and not _serve.connection.is_lost


def _why_not_start():
    global _sees_machine
    if _failure is not None:
        return Error(*_failure)
    try:
        installed()
    except Error as error:
        return error
    if _sees_machine is None:  # asked once, before a fault can be in the way
        _sees_machine = os.readlink("/proc/self/ns/pid") == FIRST_PID_NAMESPACE
    if not _sees_machine:
        return Error(
            "MB_NAMESPACE",
            "minderbinder serve needs all process ids of the machine, and this pid namespace shows a part of them",
        )
    # It would inherit the filter, and faults of this process would hit it.
    if not _own_filter.is_there():
        return None
    before = "minderbinder serve" if _serve is None else f"{WHY_LOST}, and"
    whose = "has one of the process that it was forked from" if _was_forked else "has installed a filter on itself"
    return Error(
        "MB_CONTROL",
        f"{before} cannot start any more: this process {whose}",
        "start the tests with minderbinder exec --control -- instead",
    )


def _start():
    """Not in the terminal's foreground group, so that ^C does not end it before this process."""
    parts = installed()
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            serve = _Serve(
                [parts.launcher, "serve", "--stdio", "--seed", _own_filter.process_seed()],
                stdin=theirs,
                stdout=theirs,
                cwd="/",
                env={**os.environ, "PATH": parts.path},
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise Error("MB_LAUNCHER", f"cannot start minderbinder serve: {error}") from error
    try:
        serve.connection = Connection(ours, WHY_LOST)
    except Error:
        _await_end(serve)
        raise
    return serve


def _await_end(serve):
    """It has ended, or does so now, as its connection has: else the process would have a zombie for a child."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        serve.wait(10)


@in_child
def _forget():
    global _serve, _was_forked
    _was_forked = True
    if _serve is not None:
        _serve.connection.abandon()
        _serve = None
