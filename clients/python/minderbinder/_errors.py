# SPDX-License-Identifier: MIT
"""What a test can be told in place of faults."""


class Error(Exception):
    """What minderbinder refuses. `code` is stable; `hint`, if it is not None, says what to do."""

    def __init__(self, code, message, hint=None):
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.code = code
        self.message = message
        self.hint = hint

    # The processes of multiprocessing send each other what they raise.
    def __reduce__(self):
        return type(self), (self.code, self.message, self.hint)


class NeverFired(Error, AssertionError):
    """A fault never fired: the test has not tested what it says."""


Error.__module__ = NeverFired.__module__ = __package__
