"""Servers of the browser tests: a module of Python that serves a folder on this machine, until it is not needed."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest


class Server(NamedTuple):
    """Where it is reached, and its process."""

    address: str
    process: subprocess.Popen

    @property
    def kernels(self) -> dict[str, psutil.Process]:
        """Its kernels that still run, by their ids."""
        names = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                named = re.search(r"kernel-([\w-]+)\.json", " ".join(process.cmdline()))
                if named and process.status() != psutil.STATUS_ZOMBIE:
                    names[named[1]] = process
        return names


@contextmanager
def serve(command: list[str], home: Path, root: Path, folder: Path, own: dict[str, str], url: str):
    """A module that serves a folder, until it is not needed any more."""
    own |= {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": os.pathsep.join([str(root), *_own_path()])}
    how: dict[str, Any] = {"env": os.environ | own, "cwd": folder, "stderr": subprocess.STDOUT}
    with (home / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", *command], stdout=log, **how)
    try:
        _until_up(url, server, home / "log")
        yield server
    finally:
        end(server)


def end(server: subprocess.Popen) -> None:
    """A server and its kernels are gone; none is asked to tidy up first, which takes seconds."""
    if server.poll() is None:
        for process in [*psutil.Process(server.pid).children(recursive=True), server]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait(15)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _own_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _until_up(url: str, server: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    latest = time.monotonic() + seconds
    while time.monotonic() < latest and server.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The server did not start:\n{log.read_text()[-2000:]}", pytrace=False)
