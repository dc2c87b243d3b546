"""A file or a folder is written whole or not at all: what was there before stays until the new one is complete."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_A_DAY = 86_400
FORMULA = "^[=+@\\-\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""How a text begins that a spreadsheet takes for a formula and works out. Source: OWASP, CSV injection."""


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` once the block is done.

    An error in the block leaves the earlier file as it was, and nothing else.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "counts.csv"
    >>> with whole(target) as part:
    ...     _ = part.write_text("n\\n3\\n")
    >>> target.read_text(), [file.name for file in target.parent.iterdir()]
    ('n\\n3\\n', ['counts.csv'])
    """
    file = Path(path)
    part = file.with_name(f".~{os.getpid()}-{file.name}")  # the suffix stays: some writers choose the format by it
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Nobody else who asks for the same folder is here meanwhile; who is killed here leaves nothing behind.

    Windows has no such lock of a folder: there two runs into one folder may cross.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """An empty folder beside `path` to write to; it takes the place of `path`, which must not exist or be empty.

    What killed runs left there a day ago or more is thrown away.

    Raises:
        OSError: `path` cannot be made, or is a folder with something in it.
    """
    folder = Path(path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    start = f".~{folder.name}-"
    for left in folder.parent.glob(f"{start}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _A_DAY:
                shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=start, dir=folder.parent))
    try:
        yield part
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
