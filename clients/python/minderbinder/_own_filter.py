# SPDX-License-Identifier: MIT
"""A filter of this process's own, for tests without minderbinder exec in front.

A shared library of the npm package (src/own-filter) installs it, and holds all of its state.
"""

import errno
import json
import os
import random

from ._errors import Error
from ._filter_owner import filter_owner
from ._installed import installed

# enum own_filter_state and enum own_filter_failure of own-filter.h
NONE, STARTING, READY, FAILED, LOST = range(5)
THREADS, HELPER, REFUSED, ENDED, SECCOMP = range(1, 6)

TEXT_SIZE = 8192
WHY_LOST = "the supervisor of this process was killed: its calls go on without faults, and there can be no other"

_loaded = None
_tried = None


def _library():
    global _loaded
    if _loaded is None:
        _loaded = _load(installed().library)
    return _loaded


def _load(path):
    try:
        import ctypes  # some Pythons are built without it

        library = ctypes.CDLL(path)
        library.own_filter_start.argtypes = [ctypes.c_char_p] * 5 + [ctypes.c_uint32]
        library.own_filter_seed.argtypes = [ctypes.c_uint32]
        library.own_filter_seed.restype = ctypes.c_uint32
        return library
    except (ImportError, OSError, AttributeError) as error:
        raise Error("MB_LAUNCHER", f"cannot load {path}: {error}") from error


def refusal():
    """Why this process can have none, or None: it has one, or can."""
    global _tried
    try:
        library = _library()
    except Error as error:
        return error
    state = library.own_filter_state()
    if state in (STARTING, READY):
        return None
    if state == LOST:
        return _lost()
    if _tried is None:
        _tried = library.own_filter_trial()
    return None if _tried == 0 else _refused_by_seccomp(_tried)


def is_there():
    """Has this process one, or is it about to, by whichever thread? Also one that came with a fork."""
    try:
        return _library().own_filter_state() not in (NONE, FAILED)
    except Error:  # the library does not load
        return False


def process_seed():
    """For all that injects faults into this process: one, as far as a filter is possible. Decimal."""
    proposed = random.getrandbits(32) or 1
    try:
        return str(_library().own_filter_seed(proposed))
    except Error:
        return str(proposed)


def start(reach):
    """Installs it, unless it is there already, and returns the path of the control socket.

    `reach` is a SET, or empty; it is of no account if the filter is there.
    """
    library, parts = _library(), installed()
    text = _text_buffer()
    state = library.own_filter_start(
        os.fsencode(parts.launcher), os.fsencode(parts.path), reach.encode(), process_seed().encode(), text, TEXT_SIZE
    )
    if state == READY:
        return os.fsdecode(text.value)
    raise _lost() if state == LOST else _failure(text.value.decode(errors="replace"))


def _text_buffer():
    import ctypes

    return ctypes.create_string_buffer(TEXT_SIZE)


def _lost():
    return Error(
        "MB_CONTROL",
        "the supervisor of this process was killed: its calls go on, without faults",
        "a filter cannot be replaced: start the tests again",
    )


def _failure(said):
    failure, number, text = said.split(" ", 2)
    if int(failure) == SECCOMP:
        return _refused_by_seccomp(int(number))
    if int(failure) == REFUSED:
        refused = json.loads(text)
        return Error(refused["code"], refused["message"], refused.get("hint"))
    why = "it ended without a message" if int(failure) == ENDED else _errno_text(int(number))
    return Error("MB_LAUNCHER", f"cannot start the helper of this process: {why}")


def _refused_by_seccomp(number):
    if number == errno.EBUSY:
        return Error(
            "MB_SECCOMP",
            f"this process has a seccomp listener already, and the kernel allows only one: {filter_owner(installed().library)}",
            "start the tests with minderbinder exec --control -- instead",
        )
    if number == errno.ESRCH:
        return Error(
            "MB_SECCOMP",
            "a thread of this process has a seccomp filter that the others do not have",
            "use faults before it gets one, or start the tests with minderbinder exec --control --",
        )
    return Error(
        "MB_SECCOMP",
        f"the kernel refuses a seccomp listener: {_errno_text(number)}",
        "it needs Linux 5.9 with CONFIG_SECCOMP_FILTER",
    )


def _errno_text(number):
    return f"{errno.errorcode.get(number, number)} ({os.strerror(number)})"
