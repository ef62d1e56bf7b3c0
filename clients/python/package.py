# SPDX-License-Identifier: MIT
"""What pip builds the package with (PEP 517). A wheel is a zip file with three files of metadata and a list (PEP 427)."""

import base64
import hashlib
import pathlib
import zipfile

VERSION = "0.1.0"
NAME = f"minderbinder-{VERSION}"
HERE = pathlib.Path(__file__).parent
MODULES = ["pytest_minderbinder.py", *sorted(f"minderbinder/{path.name}" for path in HERE.glob("minderbinder/*.py"))]

METADATA = f"""Metadata-Version: 2.1
Name: minderbinder
Version: {VERSION}
Summary: Faults in the code under test, for the length of one block
License: MIT
Requires-Python: >=3.8
Classifier: Framework :: Pytest
Classifier: Operating System :: POSIX :: Linux
Description-Content-Type: text/markdown

"""
WHEEL = "Wheel-Version: 1.0\nGenerator: minderbinder\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[pytest11]\nminderbinder = pytest_minderbinder\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {module: (HERE / module).read_text() for module in MODULES}
    files[f"{NAME}.dist-info/METADATA"] = METADATA + (HERE / "README.md").read_text()
    files[f"{NAME}.dist-info/WHEEL"] = WHEEL
    files[f"{NAME}.dist-info/entry_points.txt"] = ENTRY_POINTS
    record = f"{NAME}.dist-info/RECORD"
    lines = [record_line(path, text.encode()) for path, text in files.items()]
    files[record] = "".join([*lines, f"{record},,\n"])
    wheel = f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("the folder is the source: give pip the folder")


def record_line(path, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"
