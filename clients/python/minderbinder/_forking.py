# SPDX-License-Identifier: MIT
"""What a process that is forked from this one must not have: connections that are its parent's."""

import os
import threading

# While a thread holds it, no process is forked: the child would have half a connection, or half a filter.
guard = threading.RLock()

_forgetful = []


def in_child(forget):
    """Calls it in each process that is forked from this one, before anything else uses what it forgets."""
    _forgetful.append(forget)
    return forget


def _in_child():
    try:
        for forget in _forgetful:
            forget()
    finally:
        guard.release()


os.register_at_fork(before=guard.acquire, after_in_parent=guard.release, after_in_child=_in_child)
