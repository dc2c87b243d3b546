"""A page goes in, a PDF comes out, printed by the Chromium or Chrome that is installed; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import ReportError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_REMEDY = (
    "Install one (Debian, Ubuntu: apt-get install chromium; macOS: brew install --cask chromium), or name the "
    "program in the environment variable BROWSER_PATH. Without --pdf the HTML is written, and any browser prints it."
)
_LONGEST = 180
"""Seconds that a page may take to be printed."""


def find_browser() -> Path:
    """The browser that prints: BROWSER_PATH, or the first one on the PATH.

    Raises:
        ReportError: there is none, with how to install one.
    """
    if named := os.environ.get("BROWSER_PATH"):
        if program := shutil.which(named):
            return Path(program)
        raise ReportError(f"--pdf needs a browser, but BROWSER_PATH names no program: {named}. {_REMEDY}")
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    program = program or (_MAC if sys.platform == "darwin" and Path(_MAC).exists() else None)
    if not program:
        raise ReportError(f"--pdf needs Chromium or Chrome, and neither is on the PATH. {_REMEDY}")
    return Path(program)


def print_pdf(browser: Path, page: Path, pdf: Path) -> None:
    """Print a page to a file, offline and with a profile of its own.

    Raises:
        ReportError: the browser did not manage.
    """
    with tempfile.TemporaryDirectory(prefix="trialtools-print-", ignore_cleanup_errors=True) as profile:
        command = [
            str(browser),
            "--headless",
            # a sandbox cannot be set up by root, and refuses to be left out by anybody else's mistake
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-extensions",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--virtual-time-budget=10000",
            "--no-pdf-header-footer",
            f"--print-to-pdf={pdf}",
            page.resolve().as_uri(),
        ]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=_LONGEST, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise ReportError(f"{browser} had not printed the report after {_LONGEST} seconds") from None
        except OSError as error:
            raise ReportError(f"{browser} could not be started: {error.strerror or error}") from None
    if ran.returncode or not pdf.exists() or not pdf.read_bytes().startswith(b"%PDF"):
        words = ran.stderr.decode(errors="replace").strip().splitlines()
        raise ReportError(f"{browser} could not print the report: {words[-1] if words else f'exit {ran.returncode}'}")
