# SPDX-License-Identifier: MIT
# For pytest, with the package installed. The module's name is not test_: unittest leaves it alone.
import unittest

import pytest

from test_failures import FAULT, child_opens, opens

OTHER = "openat=EACCES,path=/etc/passwd"


def opens_other():
    try:
        open("/etc/passwd").close()
        return True
    except PermissionError:
        return False


@pytest.fixture(autouse=True)
def nothing_is_in_force_before_and_after():
    assert opens() and child_opens() and opens_other()
    yield
    assert opens() and child_opens() and opens_other()


@pytest.mark.failures(FAULT)
def test_a_marker():
    assert (opens(), child_opens()) == (False, False)


@pytest.mark.failures(OTHER)
class TestMarkersOfAClass:
    @pytest.mark.failures(FAULT, scope="process")
    def test_add_to_that_of_a_method(self):
        assert (opens(), child_opens(), opens_other()) == (False, True, False)

    @pytest.mark.parametrize("number", [1, 2])
    def test_are_for_each_method(self, number):
        assert (opens(), opens_other()) == (True, False)


class MethodOfUnittest(unittest.TestCase):
    @pytest.mark.failures(FAULT)
    def test_has_a_marker(self):
        self.assertFalse(opens())


def test_the_fixture(failures):
    one = failures(FAULT)
    assert not opens()
    failures(OTHER, scope="thread")
    assert not opens_other()
    one.lift()
    assert (opens(), one.injections) == (True, 1)


@pytest.fixture
def a_full_disk(failures):
    return failures(FAULT, require_hit=False)


def test_the_fixture_in_a_fixture(a_full_disk):
    assert a_full_disk.counts()[0]["fired"] == 0
    assert not opens()
