# SPDX-License-Identifier: MIT
# What test/system/python-own-serve.test.ts runs as root, without minderbinder in front: python3 own_serve.py PART [ARGUMENT]...
import errno
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import minderbinder
from calls import FAULT, OTHER, OTHER_FAULT, in_fork, in_thread, opens, refused, text_of, why_not
from minderbinder import NeverFired, available, failures, unavailable

ADDRESS = "127.0.0.9"
DROP = f"--drop-net 100%,to={ADDRESS}"
# Of forked children and workers.
OTHER_ADDRESS = "127.0.0.10"
OTHER_DROP = f"--drop-net 100%,to={OTHER_ADDRESS}"


def sends(to=ADDRESS):
    """Whether a packet to that address arrives: what is sent after it has come, so it has come, too, or is lost."""
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.settimeout(20)
        receiver.bind(("0.0.0.0", 0))
        port = receiver.getsockname()[1]
        for text, address in [(b"packet", to), (b"mark", "127.0.0.1")]:
            sender.sendto(text, (address, port))
        return receiver.recv(100) == b"packet"


def program_sends():
    done = subprocess.run([sys.executable, sys.argv[0], "say_sends"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout == "True\n"


def say_sends():
    print(sends())


def all_send():
    return sends(), in_thread(sends), bool(in_fork(sends)), program_sends()


def connects():
    """The errno."""
    try:
        with socket.socket() as end:
            end.connect((ADDRESS, 1))  # which looks no name up
        return 0
    except OSError as error:
        return error.errno


def serves():
    """Those that this process has started and that run still."""

    def is_ours(pid):
        status = text_of(f"/proc/{pid}/status")
        runs = re.search(rf"^PPid:\t{os.getpid()}$", status, re.MULTILINE) and not re.search("^State:\tZ", status, re.MULTILINE)
        return runs and "--stdio" in text_of(f"/proc/{pid}/cmdline")

    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_ours(pid)]


def filters(pid="self"):
    return int(re.search(r"^Seccomp_filters:\t(\d+)$", text_of(f"/proc/{pid}/status"), re.MULTILINE).group(1))


def network(*arguments):
    """Packets are lost in the block, of this process and what it starts; not after it, and not those of its parent."""
    if arguments != ("below",):
        command = [sys.executable, sys.argv[0], "network", "below"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "in force\n"
            arrived = all_send()
            child.stdin.write("looked\n")
            child.stdin.close()
            assert (child.wait(), arrived, serves()) == (0, (True,) * 4, [])
        return
    before = filters()
    assert unavailable() is None
    assert (available().way, [other.way for other in available().others]) == ("serve", ["control", "own-filter"])
    assert (all_send(), serves()) == ((True,) * 4, [])
    with failures(DROP) as in_force:
        assert all_send() == (False,) * 4
        assert sends("127.0.0.8")
        print("in force", flush=True)
        sys.stdin.readline()
    assert in_force.injections == 4
    assert all_send() == (True,) * 4
    (serve,) = serves()
    assert filters() == before
    # The next block has the same one, and the same seed.
    with failures("--refuse-net 100%") as following:
        assert connects() == errno.ECONNREFUSED
    assert (serves(), following.seed) == ([serve], in_force.seed)


def both():
    """Both kinds in one block, in any order, and in one object."""
    calls = {"syscall": [{"syscall": "openat", "ret_code": "EIO", "path": "/etc/hostname", "name": "calls"}]}
    packets = {"outgoing_network": [{"failure_rate": 100, "to": ADDRESS, "name": "packets"}]}
    for faults, labels in [
        ([calls, packets], ["calls", "packets"]),
        ([packets, calls], ["packets", "calls"]),
        ([{**calls, **packets}], ["calls", "packets"]),
        ([f"{DROP},name=packets", f"{FAULT},name=calls", f"{DROP},name=second"], ["packets", "calls", "second"]),
    ]:
        with failures(*faults, require_hit=False) as in_force:
            assert (opens(), sends()) == (errno.EIO, False)
            so_far = [(fault["label"], fault["fired"]) for fault in in_force.counts()]
            assert so_far == [(label, 0 if label == "second" else 1) for label in labels], so_far
        assert in_force.injections == 2
        assert (opens(), sends()) == (0, True)
    # One that never fired is named, of whichever kind it is.
    for faults in [[FAULT, "--drop-net 100%,to=127.0.0.7,name=unhit"], [DROP, "openat=EIO,path=/nowhere,name=unhit"]]:
        error = None
        try:
            with failures(*faults):
                sends(), opens()
        except NeverFired as raised:
            error = raised
        assert re.match("unhit never fired: [^;]*$", error.message), error


def all_or_none():
    before = filters()
    assert refused(DROP, "opena=EIO").code == "MB_UNKNOWN_NAME"
    assert filters() == before
    with failures(FAULT, reach="openat", scope="thread"):
        # No way to it: the filter has openat alone, and serve has no delays.
        assert refused(DROP, "mkdir=delay:1s").code == "MB_NO_ENGINE"
        error = refused(DROP, "openat=ENOSPC", scope="thread")
        assert error.code == "MB_NO_ENGINE", error
        told = "serve cannot do it either: no engine can do .*drop-net.* sockets belong to a process"
        assert re.search(told, error.message), error
        assert (opens(), sends()) == (errno.EIO, True)
    assert opens() == 0


def thread():
    """The system calls of a thread: they are the filter's, and are counted there. Refused connections, too."""
    with failures(FAULT, "--refuse-net 100%", scope="thread") as in_force:
        assert (opens(), connects()) == (errno.EIO, errno.ECONNREFUSED)
        assert in_thread(opens) == 0
    assert [fault["fired"] for fault in in_force.counts()] == [1, 1]


def calls():
    """On a kernel with the engine override or hook, serve faults system calls, too."""
    before = filters()
    with failures(FAULT) as in_force:
        assert opens() == errno.EIO
    assert (in_force.injections, filters(), len(serves())) == (1, before, 1)
    assert opens() == 0
    with failures(FAULT, scope="thread"):
        assert opens() == errno.EIO
    assert (opens(), filters()) == (0, before + 1)
    with failures("openat=delay:1ms,path=/etc/hostname"):
        assert opens() == 0
    with failures(FAULT, DROP):
        assert (opens(), sends()) == (errno.EIO, False)
    assert opens() == 0


def channel():
    """Whatever the filter faults, the connection to serve goes on, and serve itself is not hit."""
    outside = filters()
    with failures("sendto+write+recvfrom+read+shutdown+close=EIO", scope="thread", require_hit=False):
        with failures(DROP, require_hit=False) as in_force:
            for _ in range(20):
                in_force.counts()
    with failures("openat=EIO") as in_force:
        assert opens() == errno.EIO
        with failures("--refuse-net 100%"):
            assert connects() == errno.ECONNREFUSED
        assert in_force.injections == 1
    (serve,) = serves()
    # Of serve it is the one that its launcher installs (shield.c).
    assert (filters(serve), filters()) == (outside + 1, outside + 1)


def killed(*arguments):
    """serve is killed in a block. `arguments`: whether this process has a filter."""
    has_filter = arguments == ("filter",)
    if has_filter:
        with failures(FAULT, scope="thread"):
            assert opens() == errno.EIO
    error = None
    try:
        with failures(DROP):
            assert not sends()
            (serve,) = serves()
            os.kill(serve, signal.SIGKILL)
            while serves():
                pass
            while not sends():
                pass
    except minderbinder.Error as raised:
        error = raised
    assert error.code == "MB_CONTROL", error
    assert "serve, which this process had started, has ended or was killed" in error.hint, error
    if not has_filter:
        with failures(DROP):
            assert not sends()
        assert len(serves()) == 1
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)  # no trace of the first one
        return
    with failures(FAULT):
        assert opens() == errno.EIO
    error = refused(DROP)
    told = "was killed, and cannot start any more: this process has installed a filter"
    assert error.code == "MB_NO_ENGINE" and told in error.message, error
    assert available().way == "own-filter" and told in why_not("serve"), available()


def forks():
    """A forked child is hit by its parent's faults, has a serve of its own, and neither uses nor ends its parent's."""

    def child(end):
        assert (sends(), serves()) == (False, [])
        with failures(OTHER_DROP) as own:
            assert (sends(), sends(OTHER_ADDRESS), len(serves())) == (False, False, 1)
            os.kill(os.getppid(), signal.SIGUSR1)
            assert os.read(answers[0], 10) == b"True"
        assert (own.injections, sends(OTHER_ADDRESS)) == (1, True)
        for use in [in_force.counts, in_force.lift]:
            try:
                use()
                raise AssertionError("it worked")
            except minderbinder.Error as error:
                assert error.code == "MB_CONTROL" and "forked from" in error.message, error
        if end == "in a block":
            left_open.append(failures(OTHER_DROP))
            left_open[0].__enter__()
        if end == "by exit":
            sys.exit(7)  # what the parent has registered for its own end runs here, too
        return 7

    left_open = []
    answers = os.pipe()
    # The child's fault does not hit its parent.
    signal.signal(signal.SIGUSR1, lambda *_: os.write(answers[1], str(sends(OTHER_ADDRESS)).encode()))
    with failures(DROP) as in_force:
        (serve,) = serves()
        for end in ["by return", "in a block"]:
            assert in_fork(lambda end=end: child(end)) == 7, end
            assert (sends(), serves()) == (False, [serve])
        pid = os.fork()
        if pid == 0:
            child("by exit")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert (sends(), serves()) == (False, [serve])
    assert all_send() == (True,) * 4

    # With a filter that it shares, its system calls fail by that, and its packets cannot be lost.
    def child_with_filter():
        with failures(OTHER_FAULT):
            assert opens(OTHER) == errno.EACCES
        error = refused(OTHER_DROP)
        told = "minderbinder serve cannot start any more: this process has one of the process that it was forked from"
        assert error.code == "MB_NO_ENGINE" and told in error.message, error
        assert available().way == "own-filter" and told in why_not("serve"), available()
        return 8

    with failures(FAULT, DROP):
        assert in_fork(child_with_filter) == 8
        assert (opens(), sends(), serves()) == (errno.EIO, False, [serve])


def forks_meanwhile():
    """A child that is forked while another thread starts serve has one of its own, whichever was first."""

    def child():
        with failures(OTHER_DROP):
            return 2 if sends(OTHER_ADDRESS) else len(serves())

    started = threading.Event()

    def first():
        started.set()
        with failures(DROP):
            assert not sends()

    starting = threading.Thread(target=first)
    starting.start()
    started.wait()
    time.sleep(random.random() / 4)  # any moment of the start will do
    assert in_fork(child) == 1
    starting.join()
    assert (sends(), sends(OTHER_ADDRESS), len(serves())) == (True, True, 1)


def threads():
    """Threads that begin at the same moment have one serve, and each its own faults."""
    count = 6
    gate, in_force = threading.Barrier(count), threading.Barrier(count)
    found = []

    def block(number):
        gate.wait()
        with failures(f"--drop-net 100%,to=127.0.1.{number}") as own:
            in_force.wait()
            lost = not sends(f"127.0.1.{number}")
            in_force.wait()
        found.append((lost, own.injections))

    started = [threading.Thread(target=block, args=[number]) for number in range(1, count + 1)]
    for each in started:
        each.start()
    for each in started:
        each.join()
    assert found == [(True, 1)] * count, found
    assert len(serves()) == 1 and sends("127.0.1.1")


def own_block(_):
    """In a worker of multiprocessing: what came in from its parent's block, and what its own hits."""
    before = sends()
    with failures(OTHER_DROP):
        return before, sends(OTHER_ADDRESS), len(serves())


def pools():
    with failures(DROP) as in_force:
        (serve,) = serves()
        for method in ["fork", "forkserver", "spawn"]:
            with multiprocessing.get_context(method).Pool(2) as pool:
                assert pool.map(own_block, range(4), chunksize=1) == [(False, False, 1)] * 4, method
        assert (sends(OTHER_ADDRESS), serves()) == (True, [serve])
    assert in_force.injections == 12


def ends(how):
    """The process ends in a block, of both kinds, or after it."""
    with failures(FAULT, DROP):
        print(opens() == errno.EIO, sends(), *serves(), flush=True)
        if how == "in the block":
            sys.exit(3)
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)


def outlives():
    """A forked child that outlives its parent does not keep its serve."""
    with failures(DROP):
        (serve,) = serves()
        if os.fork() == 0:
            while os.path.exists(f"/proc/{serve}"):
                time.sleep(0.01)
            print(sends(), flush=True)
            os._exit(0)
        assert not sends()
        os._exit(0)


def refuses():
    """serve does not start: the filter does what it can, and the error says the rest."""
    assert available().way == "serve"
    with failures(FAULT):
        assert opens() == errno.EIO
    assert (available().way, why_not("serve")) == ("own-filter", "a reason (a hint)"), available()
    error = refused(DROP)
    assert error.code == "MB_NO_ENGINE" and error.message.endswith("serve cannot do it either: a reason"), error
    try:
        raise AssertionError(os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:  # no child, not even a zombie
        pass


def nobody():
    """As nobody the way is the filter, and serve is not started."""
    assert available().way == "own-filter"
    assert why_not("serve").startswith("minderbinder serve needs root"), available()
    error = refused(DROP)
    assert error.code == "MB_NO_ENGINE" and "serve cannot" not in error.message, error
    with failures(FAULT):
        assert (opens(), serves()) == (errno.EIO, [])


if __name__ == "__main__":
    assert minderbinder.__file__.startswith(os.environ["PYTHONPATH"])
    globals()[sys.argv[1]](*sys.argv[2:])
