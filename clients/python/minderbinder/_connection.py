# SPDX-License-Identifier: MIT
"""The client's end of a connection to a server. The protocol is that of docs/control.md."""

import contextlib
import errno
import json
import os
import socket
import threading

from ._errors import Error

VERSION = 1
NOT_YOURS = "the socket is another user's, or its group's, which you are not in (see minderbinder serve --group)"


class Connection:
    """Of this process alone: one that was forked from it must not use it."""

    @classmethod
    def open(cls, path, why_lost):
        """To the control socket at a path."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.connect(path)
        except OSError as error:
            end.close()
            hint = NOT_YOURS if error.errno == errno.EACCES else why_lost
            raise Error("MB_CONTROL", f"cannot connect to {path}: {error}", hint) from error
        return cls(end, why_lost)

    def __init__(self, end, why_lost):
        """`end` is a socket, whose other end a server has, or gets."""
        self._socket = end
        self._why_lost = why_lost
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._received = b""
        self._is_lost = False
        self._is_abandoned = False
        try:
            hello = self.ask(type="hello", version=VERSION)
        except BaseException:
            self.close()
            raise
        self.seed = hello["seed"]
        self.engine = hello.get("engine")

    @property
    def is_inherited(self):
        """Is this a process that was forked from the one that has it?"""
        return self._is_abandoned or os.getpid() != self._pid

    @property
    def is_lost(self):
        """The server is gone: ask() fails from here on."""
        with self._lock:
            if not self._is_lost:
                self._is_lost = _has_ended(self._socket)
            return self._is_lost

    def ask(self, **request):
        with self._lock:
            answer = self._exchange(json.dumps(request).encode() + b"\n")
        if answer["type"] == "error":
            raise Error(answer["code"], answer["message"], answer.get("hint"))
        return answer

    def close(self):
        self._socket.close()

    def abandon(self):
        """In a process that was forked: it must not keep its parent's connection open."""
        self._is_abandoned = True
        with contextlib.suppress(OSError):
            os.close(self._socket.detach())

    def _exchange(self, line):
        if self._is_lost:
            raise self._lost()
        # Whatever is raised before the answer is here: the next one to ask must not take it for its own.
        self._is_lost = True
        try:
            answer = self._send_and_read(line)
        except OSError as error:
            raise self._lost() from error
        except BaseException:
            self.close()  # and so the faults are lifted
            raise
        if answer is None:
            raise self._lost()
        self._is_lost = False
        return json.loads(answer)

    def _send_and_read(self, line):
        # A server that has ended may have said why before.
        with contextlib.suppress(BrokenPipeError):
            self._socket.sendall(line, socket.MSG_NOSIGNAL)
        return self._read_line()

    def _read_line(self):
        while b"\n" not in self._received:
            part = self._socket.recv(65536)
            if not part:
                return None
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _lost(self):
        return Error("MB_CONTROL", "minderbinder has closed the connection", self._why_lost)


def _has_ended(end):
    try:
        return end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
