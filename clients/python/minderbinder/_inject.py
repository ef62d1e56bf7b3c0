# SPDX-License-Identifier: MIT
"""Which connection injects which faults of a block.

As root there may be two: system calls that serve cannot fault are left to the filter of this process. All of a block's
system call faults are at one place, since the first that fires wins.
"""

import contextlib

from . import _control_socket
from ._errors import Error
from ._own_serve import is_root, own_serve
from ._ways import given_socket


class Part:
    """Rules of one block that one connection has in force."""

    def __init__(self, connection, answer, leave):
        self.connection = connection
        self._leave = leave
        self._has_left = False
        self._rules = [rule["rule"] for rule in answer["rules"]]
        # Of each rule, among all of the block.
        self.places = answer.get("places", range(len(self._rules)))
        self.left = answer.get("left", 0)

    def counts(self):
        return self.connection.ask(type="counts", rules=self._rules)["rules"]

    def lift(self):
        """They hit nothing from here on. Returns what they have done."""
        try:
            return self.connection.ask(type="lift", rules=self._rules)["rules"]
        finally:
            if not self._has_left:
                self._has_left = True
                self._leave(self.connection)


def inject(request, reach):
    """A list of parts. All of them are in force, or none. `reach` is that of a filter of this process."""
    if given_socket() or not is_root():
        return [_by_socket(request, reach)]
    try:
        serve = own_serve()
    except Error as error:
        return [_by_filter(request, reach, error)]
    every, why = None, None
    if serve.engine is not None:  # else it can fault no system call
        every, why = _unless_refused(serve, request)
    if every is not None:
        return [every]
    network, why_no_network = _unless_refused(serve, {**request, "only": "network"})
    if network is None:
        return [_by_filter(request, reach, why_no_network)]
    if network.left == 0:
        return [network]
    if not network.places:
        return [_by_filter(request, reach, why)]
    try:
        return [network, _by_filter({**request, "only": "syscall"}, reach, why)]
    except BaseException:
        with contextlib.suppress(Error):  # the caller must hear why there is no block
            network.lift()
        raise


def _unless_refused(serve, request):
    """A part and None, or None and the reason: another way may do what this one cannot."""
    try:
        return Part(serve, serve.ask(type="inject", **request), _stay), None
    except Error as error:
        if error.code != "MB_NO_ENGINE":
            raise
        return None, error


def _by_filter(request, reach, why):
    """`why` serve does not do it, if it was asked."""
    try:
        return _by_socket(request, reach)
    except Error as own:
        if own.code != "MB_NO_ENGINE" or why is None:
            raise
        raise Error(own.code, f"{own.message}; minderbinder serve cannot do it either: {why.message}", own.hint) from own


def _by_socket(request, reach):
    connection = _control_socket.join(reach)
    try:
        return Part(connection, connection.ask(type="inject", **request), _control_socket.leave)
    except BaseException:
        _control_socket.leave(connection)
        raise


def _stay(_connection):
    """The connection to serve is not closed: later blocks have the same."""
