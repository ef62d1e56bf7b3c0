# SPDX-License-Identifier: MIT
"""The client's end of the control socket. The protocol is that of docs/control.md."""

import contextlib
import json
import os
import socket
import threading

from ._errors import Error
from ._ways import way_in

VERSION = 1


class Connection:
    """One for all blocks that are open in this process, so that no fault of one is in the way of another."""

    _shared = None
    # While a thread holds it, no process is forked: the child would have half a connection, or half a filter.
    _guard = threading.RLock()

    @classmethod
    def join(cls, reach):
        with cls._guard:
            if cls._shared is None:
                cls._shared = cls(*way_in(reach))
            cls._shared._users += 1
            return cls._shared

    def leave(self):
        with self._guard:
            self._users -= 1
            if self._users == 0:
                if Connection._shared is self:
                    Connection._shared = None
                self._socket.close()

    def __init__(self, path, why_lost):
        self._why_lost = why_lost
        self._users = 0
        self._lock = threading.Lock()
        self._received = b""
        self._is_lost = False
        self.is_inherited = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(path)
            self.seed = self.ask(type="hello", version=VERSION)["seed"]
        except BaseException:
            self._socket.close()
            raise

    def _connect(self, path):
        try:
            self._socket.connect(path)
        except OSError as error:
            raise Error("MB_CONTROL", f"cannot connect to {path}: {error}", self._why_lost) from error

    def ask(self, **request):
        with self._lock:
            answer = self._exchange(json.dumps(request).encode() + b"\n")
        if answer["type"] == "error":
            raise Error(answer["code"], answer["message"], answer.get("hint"))
        return answer

    def _exchange(self, line):
        if self._is_lost:
            raise self._lost()
        # Whatever is raised before the answer is here: the next one to ask must not take it for its own.
        self._is_lost = True
        try:
            self._socket.sendall(line, socket.MSG_NOSIGNAL)
            answer = self._read_line()
        except OSError as error:
            raise self._lost() from error
        except BaseException:
            self._socket.close()  # and so the faults are lifted
            raise
        if answer is None:
            raise self._lost()
        self._is_lost = False
        return json.loads(answer)

    def _read_line(self):
        while b"\n" not in self._received:
            part = self._socket.recv(65536)
            if not part:
                return None
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _lost(self):
        return Error("MB_CONTROL", "minderbinder has closed the control socket", self._why_lost)

    @classmethod
    def _in_child(cls):
        # A process that was forked in a block is another client, and must not keep its parent's connection open.
        if cls._shared is not None:
            cls._shared.is_inherited = True
            with contextlib.suppress(OSError):
                os.close(cls._shared._socket.detach())
            cls._shared = None
        cls._guard.release()


os.register_at_fork(
    before=Connection._guard.acquire,
    after_in_parent=Connection._guard.release,
    after_in_child=Connection._in_child,
)
