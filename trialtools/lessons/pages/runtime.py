"""A folder goes in, Python for a browser lies in it: Pyodide from npm, and the three libraries that a lesson needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from ...criteria.files import whole_folder
from ...report.errors import ReportError

_PYODIDE = "pyodide@314.0.7"
_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
# Z3 of this version is the newest with a wheel for browsers; pydantic asks for exactly this core.
_WHEELS = (
    "annotated-types==0.8.0",
    "pydantic==2.14.4",
    "pydantic-core==2.50.5",
    "typing-extensions==4.16.0",
    "typing-inspection==0.4.5",
    "z3-solver==5.3.3.0",
)
_FOR_BROWSERS = ("--platform", "pyemscripten_2026_0_wasm32", "--python-version", "3.14", "--only-binary", ":all:")


def fetch_runtime(folder: Path) -> Path:
    """The folder with the files of Pyodide and the wheels, below `folder`; fetched unless it is there already.

    Raises:
        ReportError: npm or pip could not fetch, with what they said.
    """
    engine = folder / f"engine-{_PYODIDE.partition('@')[2]}"
    if not engine.is_dir():
        with whole_folder(engine) as place, tempfile.TemporaryDirectory() as packed:
            _run(["npm", "pack", "--silent", "--pack-destination", packed, _PYODIDE])
            (archive,) = Path(packed).glob("*.tgz")
            with tarfile.open(archive) as files:
                for name in _FILES:
                    with files.extractfile(f"package/{name}") as source:  # type: ignore[union-attr]
                        (place / name).write_bytes(source.read())
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            _run([*pip, *_FOR_BROWSERS, "--dest", place, *_WHEELS])
            _pack_yaml(place / "yaml.zip")
    return engine


def _pack_yaml(file: Path) -> None:
    """PyYAML as it is installed here, without its part in C: there is no wheel for browsers, and it does without."""
    package = Path(yaml.__file__).parent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for source in sorted(package.glob("*.py")):
            packed.write(source, f"yaml/{source.name}")


def _run(command: Sequence[str | Path]) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise ReportError(
            f"{command[0]} is not on the PATH; the page needs it once, to fetch {_PYODIDE} (install Node.js)"
        )
    ran = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ran.returncode:
        errors = (ran.stderr or ran.stdout).strip().splitlines()
        raise ReportError(
            f"{command[0]} could not fetch what the page needs: {errors[-1] if errors else ran.returncode}"
        )
