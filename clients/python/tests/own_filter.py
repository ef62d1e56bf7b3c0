# SPDX-License-Identifier: MIT
# What test/cli/python-own-filter.test.ts runs, without minderbinder in front: python3 own_filter.py PART [ARGUMENT]...
import ctypes
import errno
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import minderbinder
from calls import FAULT, OTHER, OTHER_FAULT, cat, everyone, first_way, helpers, in_fork, opens, refused, text_of, why_not
from minderbinder import Error, available, failures, unavailable


def covers():
    """Calls of every kind of thread and process are hit in the block, and none after it."""
    assert unavailable() is None
    before = threading.Event()
    go_on = threading.Event()
    found = []

    def started_before():
        before.set()
        go_on.wait()
        found.append(opens())

    thread = threading.Thread(target=started_before)
    thread.start()
    before.wait()
    assert available().way == first_way(), available()
    assert available().others[0].way == "control"
    with failures(FAULT) as in_force:
        go_on.set()
        thread.join()
        assert found == [errno.EIO], found
        assert everyone() == (errno.EIO, errno.EIO, errno.EIO, 1), everyone()
        assert opens(OTHER) == 0
    assert in_force.injections >= 5
    assert available().way == first_way()
    assert everyone() == (0, 0, 0, 0)


def scopes():
    for scope, expected in [
        ("tree", (errno.EIO, errno.EIO, errno.EIO, 1)),
        ("process", (errno.EIO, errno.EIO, 0, 0)),
        ("children", (0, 0, errno.EIO, 1)),
        ("thread", (errno.EIO, 0, 0, 0)),
    ]:
        with failures(FAULT, scope=scope):
            assert everyone() == expected, (scope, everyone())


def forks():
    """A child that was forked in a block: it is hit, has blocks of its own, and cannot lift its parent's."""

    def child():
        assert opens() == errno.EIO
        with failures(OTHER_FAULT, scope="process"):
            assert (opens(), opens(OTHER)) == (errno.EIO, errno.EACCES)
            assert in_fork(lambda: opens(OTHER)) == 0  # the scope of this one
            os.kill(os.getppid(), signal.SIGUSR1)
            assert os.read(answers[0], 1) == b"0"
        assert opens(OTHER) == 0
        error = None
        try:
            in_force.lift()
        except Error as raised:
            error = raised
        assert error.code == "MB_CONTROL" and "forked from" in error.message, error
        return 7

    answers = os.pipe()
    # The child's fault does not hit its parent.
    signal.signal(signal.SIGUSR1, lambda *_: os.write(answers[1], str(opens(OTHER)).encode()))
    with failures(FAULT) as in_force:
        assert in_fork(child) == 7
        assert opens() == errno.EIO

    # It leaves the block by an exception of its own.
    pid = None
    try:
        with failures(FAULT) as in_force:
            pid = os.fork()
            if pid == 0:
                raise SystemExit
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
            assert opens() == errno.EIO
    except SystemExit:
        os._exit(9)
    assert in_force.injections == 1
    assert everyone() == (0, 0, 0, 0)


def forks_meanwhile():
    """Children that are forked while another thread starts the helper have faults of their own, whichever was first."""

    def child():
        with failures(OTHER_FAULT, scope="process"):
            return opens(OTHER)

    started = threading.Event()

    def first():
        started.set()
        with failures(FAULT, scope="thread"):
            assert opens() == errno.EIO

    thread = threading.Thread(target=first)
    thread.start()
    started.wait()
    time.sleep(random.random() / 5)  # any moment of the start will do
    assert in_fork(child) == errno.EACCES
    thread.join()
    assert opens(OTHER) == 0


def forks_in_c():
    """The same by a fork(2) that Python does not know of: the helper may be starting at that moment."""
    library = ctypes.PyDLL(None)  # the child has this thread alone, and needs what it holds
    # Here already, so that what is left is the start of the helper.
    assert unavailable() is None
    from minderbinder import _own_filter

    thread = threading.Thread(target=lambda: _own_filter.start("openat"))
    thread.start()
    while _own_filter._library().own_filter_state() == _own_filter.NONE:
        pass
    time.sleep(random.random() / 5)
    pid = library.fork()
    if pid == 0:
        try:
            with failures(FAULT, scope="process"):
                os._exit(opens())
        except Error as error:
            # The filter came with the fork, and its helper was not ready.
            os._exit(100 if error.code == "MB_SECCOMP" else 101)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (errno.EIO, 100), status
    thread.join()
    assert everyone() == (0, 0, 0, 0)


def own_block(_):
    """In a worker of multiprocessing: what its own block hits, and what came in from its parent's."""
    before = opens()
    with failures(OTHER_FAULT, scope="process"):
        return before, opens(OTHER), opens(OTHER)


def in_pool(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(own_block, range(4), chunksize=1)


def pools():
    """multiprocessing: workers of every start method have filters of their own, or join their parent's."""
    for method in ["fork", "forkserver", "spawn"]:
        assert in_pool(method) == [(0, errno.EACCES, errno.EACCES)] * 4, method
        assert opens(OTHER) == 0
    with failures(FAULT) as in_force:
        assert in_pool("fork") == [(errno.EIO, errno.EACCES, errno.EACCES)] * 4
        # Such a worker was exec'd by a process with a filter: its error comes to us as it was raised.
        try:
            in_pool("spawn")
            raise AssertionError("its blocks ran")
        except Error as error:
            assert error.code == "MB_SECCOMP" and f"it is that of process {os.getpid()}, a test" in error.message, error
            assert "exec --control" in error.hint, error.hint
        assert (opens(), opens(OTHER)) == (errno.EIO, 0)
    assert in_force.injections >= 5
    assert everyone() == (0, 0, 0, 0)


def execs():
    """A program that the test starts: it has the test's faults, and with faults of its own it hears whose filter there is."""
    command = [sys.executable, sys.argv[0], "reason"]
    free = subprocess.Popen([*command, "waits"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with failures(FAULT):
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        assert f"it is that of process {os.getpid()}, a test" in child.stdout, child.stdout
        assert opens() == errno.EIO
        # It was there before the filter, and is hit by its own faults only.
        told, _ = free.communicate("\n")
        assert told == "none\n", told
    assert everyone() == (0, 0, 0, 0)


def reason():
    if sys.argv[2:] == ["waits"]:
        sys.stdin.readline()
        assert opens() == 0
    error = None
    try:
        with failures(FAULT):
            assert opens() == errno.EIO
    except Error as raised:
        error = raised
        assert error.code == "MB_SECCOMP"
        assert why_not("own-filter") == str(error), available()
        assert available().way == first_way(filter_way=None), available()
    print(error or "none")


def killed(victim):
    """The supervisor or its node is killed in a block: the block fails, and all calls go on."""
    go_on, tell = os.pipe(), os.pipe()
    pid = None
    error = None
    delayed = []
    try:
        with failures(FAULT, f"openat=delay:100s,path={OTHER}") as in_force:
            assert opens() == errno.EIO
            pid = os.fork()
            if pid == 0:
                os.read(go_on[0], 1)
                os.write(tell[1], str((opens(), cat())).encode())
                os._exit(0)
            # It waits for an answer of the one that dies.
            thread = threading.Thread(target=lambda: delayed.append(opens(OTHER)))
            thread.start()
            while in_force.counts()[1]["fired"] == 0:
                pass
            os.kill(helpers()[victim], signal.SIGKILL)
            thread.join()
            assert delayed == [0], delayed
            assert [opens("/dev/null") for _ in range(1000)] == [0] * 1000
    except Error as raised:
        error = raised
    assert error.code == "MB_CONTROL" and "was killed" in error.hint, error
    assert everyone() == (0, 0, 0, 0), everyone()
    os.write(go_on[1], b"x")
    assert os.read(tell[0], 100) == b"(0, 0)"
    os.waitpid(pid, 0)
    assert refused(FAULT).code == "MB_CONTROL"
    while available().way == "own-filter" or "was killed: its calls go on, without faults" not in why_not("own-filter"):
        pass  # one of its threads has yet to hear of it
    assert available().way == first_way(filter_way=None), available()


def killed_at_random(victim, milliseconds):
    with failures(FAULT, require_hit=False):
        pass
    pid = helpers()[victim]
    threading.Timer(float(milliseconds) / 1000, lambda: os.kill(pid, signal.SIGKILL)).start()
    over = threading.Event()
    found = []

    def opens_on():
        while not over.is_set():
            found.append(opens(OTHER))

    threads = [threading.Thread(target=opens_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    error = None
    while error is None:
        try:
            with failures(FAULT, require_hit=False):
                opens("/dev/null")
        except Error as raised:
            error = raised
    over.set()
    for thread in threads:
        thread.join()
    assert error.code == "MB_CONTROL", error
    assert set(found) == {0}, set(found)
    assert everyone() == (0, 0, 0, 0)


def outlives():
    """A forked child that is left without any process to answer it: its named calls fail, and do not wait for ever."""
    alive = os.pipe()
    with failures("openat=EIO,path=/nowhere", reach="openat", require_hit=False):
        supervisor = helpers()["supervisor"]
        if os.fork() == 0:
            os.close(alive[1])
            os.read(alive[0], 1)  # until the other process is gone
            print(opens() == errno.ENOSYS, flush=True)
            os._exit(0)
        os.kill(supervisor, signal.SIGKILL)
        while re.search(r"^State:\s*[^ZX]", text_of(f"/proc/{supervisor}/status"), re.MULTILINE):
            pass
        assert opens() == 0
        os._exit(0)


def reach():
    assert refused(FAULT, reach="opena").code == "MB_UNKNOWN_NAME"
    with failures(FAULT, reach="openat"):
        assert opens() == errno.EIO
    error = refused("connect=EIO", reach="connect")
    assert error.code == "MB_NO_ENGINE" and "connect is beyond the reach" in error.message, error
    assert "the option reach, with connect in it" in error.hint, error.hint
    error = refused("--drop-net 100%")
    assert error.code == "MB_NO_ENGINE" and "not packets" in error.message, error


def signals():
    """Handlers without SA_RESTART, which are Python's, interrupt calls that no fault hits: Python repeats them (PEP 475)."""
    caught = []
    signal.signal(signal.SIGALRM, lambda *_: caught.append(1))
    with failures(FAULT, reach="openat"):
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while len(caught) < 200:
            assert opens(OTHER) == 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert opens() == errno.EIO


def many():
    """Many blocks one after the other leave no descriptor, and no thread."""

    def measure():
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def block():
        with failures(FAULT, scope="thread"):
            assert opens() == errno.EIO

    block()
    before = measure()
    for _ in range(1000):
        block()
    assert measure() == before, (before, measure())


def threads():
    """Threads that begin at the same moment share one filter, and each has its own faults."""
    count = 8
    gate = threading.Barrier(count)
    found = []

    def block():
        gate.wait()
        with failures(FAULT, scope="thread") as in_force:
            result = opens()
        found.append((result, in_force.injections))

    started = [threading.Thread(target=block) for _ in range(count)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert found == [(errno.EIO, 1)] * count, found
    assert opens() == 0


def neighbours(mine, others, folder):
    """Processes that wait for each other, with the faults of both in force: each is hit by its own only."""

    def meet(what):
        with open(f"{folder}/{what}-{mine}", "w"):
            pass
        while not os.path.exists(f"{folder}/{what}-{others}"):
            time.sleep(0.005)

    with failures(f"openat=EIO,path=/etc/{mine}") as in_force:
        meet("in-force")
        assert (opens(f"/etc/{mine}"), opens(f"/etc/{others}")) == (errno.EIO, 0)
        meet("looked")
    assert in_force.injections == 1


def leaves(how):
    """The process ends in a block."""
    block = failures(FAULT)
    block.__enter__()
    print(*helpers().values(), flush=True)
    if how == "exit":
        sys.exit(3)
    os.kill(os.getpid(), signal.SIGKILL)


def why():
    """Where there is no way: the error, and what available() says."""
    if sys.argv[2:] == ["without-ctypes"]:
        sys.modules["ctypes"] = None
    error = refused(FAULT)
    print(f"{error.code} {error}")
    way, others = available()
    assert way is None and [other.way for other in others] == ["control", "serve", "own-filter"], others
    assert why_not("own-filter") == str(error), others
    assert unavailable().startswith("MINDERBINDER_CONTROL is not set: ") and unavailable().endswith(f"; {error}"), unavailable()


if __name__ == "__main__":
    assert minderbinder.__file__.startswith(os.environ["PYTHONPATH"])
    part, arguments = globals()[sys.argv[1]], sys.argv[2:]
    if part in (reason, why):
        part()
    else:
        part(*arguments)
