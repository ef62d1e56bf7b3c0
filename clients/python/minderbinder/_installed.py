# SPDX-License-Identifier: MIT
"""The minderbinder that is on PATH: it says itself where its parts are, whatever leads to it."""

import collections
import json
import os
import shutil
import subprocess

from ._errors import Error

VERSION = 1
TIMEOUT = 60

_Installed = collections.namedtuple("_Installed", ["launcher", "library", "path"])
_found = None


def installed():
    """`launcher` starts the helper, `library` is what this process loads, `path` is the PATH by which both were found."""
    global _found
    if _found is None:
        _found = _find(os.environ.get("PATH", os.defpath))
    return _found


def _find(path):
    program = shutil.which("minderbinder", path=path)
    if program is None:
        raise Error(
            "MB_LAUNCHER",
            "there is no minderbinder on PATH",
            "install its npm package for all users: npm install --global minderbinder-*.tgz, the file that npm pack makes",
        )
    said = _ask(program)
    if said.get("version") != VERSION:
        raise _other_version(program, f"its parts have version {said.get('version')}, and not {VERSION}")
    return _Installed(said["launcher"], said["library"], path)


def _ask(program):
    try:
        done = subprocess.run(
            [program, "own-filter"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Error("MB_LAUNCHER", f"cannot start {program}: {error}") from error
    if done.returncode == 2:  # it has no such command
        raise _other_version(program, "it has no filter for the tests' own process")
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").strip() or f"it ends with {done.returncode}"
        raise Error("MB_LAUNCHER", f"{program} own-filter fails: {why}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Error("MB_LAUNCHER", f"{program} is not minderbinder, or is broken: {error}") from error


def _other_version(program, why):
    return Error(
        "MB_LAUNCHER",
        f"{program} is of another version than this client: {why}",
        "install both from the same package: the client is its folder clients/python",
    )
