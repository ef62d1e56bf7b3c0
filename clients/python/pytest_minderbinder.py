# SPDX-License-Identifier: MIT
"""What pytest gets from minderbinder: the marker and the fixture, both called failures."""

import contextlib

import minderbinder
import pytest


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "failures(*faults, scope='tree', require_hit=True, reach=None): runs the test while these faults are in force (minderbinder)",
    )


def pytest_itemcollected(item):
    # Around the test alone, and not its fixtures; the nearest marker is the innermost block.
    for marker in item.iter_markers("failures"):
        item.runtest = minderbinder.failures(*marker.args, **marker.kwargs)(item.runtest)


@pytest.fixture
def failures(request):
    """failures("openat=EIO,path=*.db") puts faults in force until the test ends, or until lift() of what it returns."""
    in_force = contextlib.ExitStack()
    runtest = request.node.runtest

    # The end of the test, and not of its fixtures: a fault that never fired fails the test.
    def until_its_end():
        with in_force:
            runtest()

    request.node.runtest = until_its_end
    yield lambda *faults, **more: in_force.enter_context(minderbinder.failures(*faults, **more))
    in_force.close()  # of a test that another fixture kept from running
