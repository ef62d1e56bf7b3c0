# SPDX-License-Identifier: MIT
# What own_filter.py and own_serve.py, two programs with faults of their own, have in common.
import os
import re
import subprocess
import threading
import traceback

from minderbinder import Error, available, failures

FILE = "/etc/hostname"
OTHER = "/etc/passwd"
FAULT = f"openat=EIO,path={FILE}"
# Forked and exec'd children of these programs fault the one file, and their neighbours the other.
OTHER_FAULT = f"openat=EACCES,path={OTHER}"


def opens(path=FILE):
    """0, or the errno."""
    try:
        os.close(os.open(path, os.O_RDONLY))
        return 0
    except OSError as error:
        return error.errno


def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def in_fork(function):
    """What it returns, up to 255, or 255 if it raises."""
    pid = os.fork()
    if pid == 0:
        status = 255
        try:
            status = function()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def cat(path=FILE):
    return subprocess.run(["cat", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def everyone():
    return opens(), in_thread(opens), in_fork(opens), cat()


def refused(*faults, **more):
    """The error in place of the block."""
    try:
        with failures(*faults, **more):
            raise AssertionError("the block ran")
    except Error as error:
        return error


def text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:  # gone, or another user's
        return ""


def first_way(filter_way="own-filter"):
    """As root it is serve, whether or not there is a filter."""
    return "serve" if os.geteuid() == 0 else filter_way


def why_not(way):
    return next(other.why for other in available().others if other.way == way)


def helpers():
    """The supervisor of this process, which has its pidfd, and its node."""

    def is_ours(pid):
        try:
            numbers = os.listdir(f"/proc/{pid}/fdinfo")
        except OSError:
            return False
        of_us = re.compile(rf"^Pid:\s*{os.getpid()}$", re.MULTILINE)
        return any(of_us.search(text_of(f"/proc/{pid}/fdinfo/{number}")) for number in numbers)

    for pid in filter(str.isdigit, os.listdir("/proc")):
        if text_of(f"/proc/{pid}/comm") == "mb-supervisor\n" and is_ours(pid):
            parent = re.search(r"^PPid:\s*(\d+)", text_of(f"/proc/{pid}/status"), re.MULTILINE)
            return {"supervisor": int(pid), "node": int(parent.group(1))}
    raise AssertionError("no supervisor")
