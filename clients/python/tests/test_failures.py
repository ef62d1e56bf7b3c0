# SPDX-License-Identifier: MIT
import os
import socket
import subprocess
import sys
import threading
import unittest

from minderbinder import Error, NeverFired, available, failures, unavailable

FILE = "/etc/hostname"
FAULT = f"openat=EIO,path={FILE}"


def opens():
    try:
        os.close(os.open(FILE, os.O_RDONLY))
        return True
    except OSError:
        return False


def child_opens():
    return subprocess.run(["cat", FILE], capture_output=True).returncode == 0


class Block(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: self.assertTrue(opens() and child_opens()))

    def test_faults_are_in_force_in_the_block_and_not_after_it(self):
        with failures(FAULT) as in_force:
            self.assertEqual((opens(), child_opens()), (False, False))
            self.assertEqual(in_force.counts()[0]["fired"], 2)
        self.assertEqual(in_force.injections, 2)
        self.assertTrue(in_force.seed.isdigit())

    @failures(FAULT, {"syscall": [{"syscall": "openat", "ret_code": "EIO", "path": "/etc/passwd"}]})
    def test_a_decorator_does_the_same(self):
        self.assertFalse(opens())
        with self.assertRaises(OSError):
            open("/etc/passwd")

    def test_connections_are_refused_in_the_block_and_not_after_it(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            for fault in ["--refuse-net 100%", {"outgoing_network": [{"failure_rate": 100, "outcome": "refuse"}]}]:
                with failures(fault):
                    with self.assertRaises(ConnectionRefusedError):
                        socket.create_connection(server.getsockname())
                socket.create_connection(server.getsockname()).close()

    def test_scopes(self):
        for scope, expected in [("process", (False, True)), ("children", (True, False)), ("thread", (False, True))]:
            with failures(FAULT, scope=scope):
                self.assertEqual((opens(), child_opens()), expected, scope)
        other = []
        with failures(FAULT, scope="thread"):
            thread = threading.Thread(target=lambda: other.append(opens()))
            thread.start()
            thread.join()
            self.assertFalse(opens())
        self.assertEqual(other, [True])

    def test_a_fault_that_never_fired(self):
        with self.assertRaisesRegex(NeverFired, r"hostnamex never fired: 1 call, .*nearest path was: /etc/hostname"):
            with failures(FAULT + "x"):
                opens()
        with failures(FAULT + "x", require_hit=False):
            opens()

    def test_what_the_block_raises_is_raised(self):
        with self.assertRaisesRegex(ValueError, "its own"):
            with failures(FAULT):
                raise ValueError("its own")

    def test_a_fault_that_is_wrong(self):
        for fault, code in [("opena=EIO", "MB_UNKNOWN_NAME"), ("futex=EIO", "MB_NO_ENGINE")]:
            with self.assertRaises(Error) as raised, failures(fault):
                self.fail("it ran")
            self.assertEqual(raised.exception.code, code)

    def test_blocks_in_blocks_whatever_they_fault(self):
        with failures("%net=EIO", "write=EIO", require_hit=False):
            with failures(FAULT):
                self.assertFalse(opens())
            self.assertTrue(opens())

    def test_a_child_that_was_forked_in_a_block_has_blocks_of_its_own(self):
        with failures(FAULT, scope="process", require_hit=False):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    with failures(FAULT):
                        status = 2 if opens() else 0
                finally:
                    os._exit(status)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            self.assertFalse(opens())

    def test_it_is_available(self):
        self.assertIsNone(unavailable())
        own = "serve" if os.geteuid() == 0 else "own-filter"
        self.assertEqual(available().way, "control" if os.environ.get("MINDERBINDER_CONTROL") else own)
        script = "import minderbinder\nprint(minderbinder.unavailable())\nwith minderbinder.failures('openat=EIO'): pass"
        env = {**os.environ, "MINDERBINDER_CONTROL": "", "PATH": "/nowhere"}
        child = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)
        self.assertRegex(child.stdout, "^MINDERBINDER_CONTROL is not set: .*; there is no minderbinder on PATH")
        self.assertIn("minderbinder.Error: there is no minderbinder on PATH (install", child.stderr)


if __name__ == "__main__":
    unittest.main()
