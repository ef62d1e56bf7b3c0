# SPDX-License-Identifier: MIT
"""The connection to a control socket: one for all blocks that are open in this process, so that none is in another's way."""

from . import _own_filter
from ._connection import Connection
from ._forking import guard, in_child
from ._ways import given_socket

_shared = None
_users = 0


def join(reach):
    """To the socket that the tests were given, or else to that of this process's own filter, which it installs."""
    global _shared, _users
    with guard:
        if _shared is None:
            _shared = _open(reach)
            _users = 0
        _users += 1
        return _shared


def leave(connection):
    """The last to leave closes it."""
    global _shared, _users
    with guard:
        if _shared is not connection:
            return
        _users -= 1
        if _users == 0:
            _shared = None
            connection.close()


def _open(reach):
    given = given_socket()
    if given:
        return Connection.open(given, "the minderbinder exec --control or serve that made the socket has ended or was killed")
    return Connection.open(_own_filter.start(reach or ""), _own_filter.WHY_LOST)


@in_child
def _forget():
    global _shared
    if _shared is not None:
        _shared.abandon()
        _shared = None
