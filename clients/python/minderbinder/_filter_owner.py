# SPDX-License-Identifier: MIT
"""Whose seccomp listener this process has, if it is not its own: as far as /proc shows it."""

import os
import re

LIBRARY = re.compile(r"/.*/own-filter(?:-\w+)?\.so$", re.MULTILINE)
LAUNCHER = re.compile(r"/launcher(?:-\w+)?$")


def filter_owner(own_library):
    """For the end of a sentence."""
    own = os.path.realpath(own_library)
    for path in _libraries("self"):
        if path != own:
            return f"another copy of minderbinder in this process has installed it, {path}"
    pid = os.getppid()
    while pid > 1:
        if _libraries(pid):
            return f"it is that of process {pid}, a test that this one descends from and that has faults of its own"
        if LAUNCHER.search(_link(pid)):
            return "minderbinder exec runs it, with faults and without --control"
        pid = _parent(pid)
    return "a container or another tool has installed it"


def _libraries(pid):
    return LIBRARY.findall(_text(f"/proc/{pid}/maps"))


def _parent(pid):
    found = re.search(r"^PPid:\s*(\d+)", _text(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found.group(1)) if found else 0


def _link(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:  # another user's, or gone
        return ""


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # another user's, or gone
        return ""
