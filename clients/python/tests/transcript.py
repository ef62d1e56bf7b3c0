# SPDX-License-Identifier: MIT
# The conversations of clients/transcript.jsonl, in their order. Another process plays the server: no call fails.
import unittest

from minderbinder import Error, NeverFired, failures

FAULT = "openat=EIO,path=/etc/hostname"


class Transcript(unittest.TestCase):
    def test_it(self):
        self.one_fault()
        self.two_blocks_at_once()
        with failures(FAULT, scope="thread") as a_thread:
            pass
        self.assertEqual(a_thread.injections, 1)
        for fault, message, hint in [
            (FAULT + "x", r"none with path=/etc/hostnamex; the nearest path was: /etc/hostname \(seed 11\)", "require_hit"),
            ("open=EIO", "^open=EIO never fired: open was never called", "openat"),
        ]:
            with self.assertRaisesRegex(NeverFired, message) as never, failures(fault):
                pass
            self.assertIn(hint, never.exception.hint)
        for fault, code, hint in [("opena=EIO", "MB_UNKNOWN_NAME", "open?"), ("futex=EIO", "MB_NO_ENGINE", "--control=futex")]:
            with self.assertRaises(Error) as refused, failures(fault):
                self.fail("it ran")
            self.assertEqual(refused.exception.code, code)
            self.assertIn(hint, refused.exception.hint)
        with self.assertRaisesRegex(Error, "closed the connection"), failures("openat=EIO,path=/nowhere"):
            pass

    def one_fault(self):
        with failures(FAULT) as one:
            self.assertEqual(one.seed, "11")
            self.assertEqual([(f["label"], f["seen"], f["matched"], f["fired"]) for f in one.counts()], [(FAULT, 2, 1, 1)])
        self.assertEqual([(f["label"], f["seen"], f["matched"], f["fired"]) for f in one.counts()], [(FAULT, 3, 2, 2)])

    def two_blocks_at_once(self):
        both = "openat=EIO,path=/etc/hostname,name=one", "openat=EACCES,path=/etc/passwd,name=two"
        inner = failures("openat=EMFILE,path=/etc/group")
        with failures(*both, scope="process") as first:
            second = inner.__enter__()
        inner.__exit__(None, None, None)
        self.assertEqual([(f["label"], f["fired"]) for f in first.counts() + second.counts()],
                         [("one", 1), ("two", 1), ("openat=EMFILE,path=/etc/group", 2)])


if __name__ == "__main__":
    unittest.main()
