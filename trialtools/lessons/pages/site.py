"""The lessons go in, a folder comes out that any web server serves: the engine in the browser, nothing to install."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from ...criteria.contents import example
from ...criteria.files import whole_folder
from ...report.errors import ReportError
from ..lesson import Lesson, lessons
from . import in_browser
from .quiz import quiz, quiz_page
from .template import FOLDER, render

_PACKAGE = FOLDER.parents[1]
_ROOMS = ("criteria", "lessons")
"""What a lesson in a browser needs of the package; counts are brought along, so that no data frame is needed."""
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


def write_site(folder: Path, engine: Path, own: Sequence[Lesson] = ()) -> Path:
    """Write the page, its engine and the quiz; what an earlier call wrote there is replaced.

    Args:
        folder: to make.
        engine: below it the engine is kept between two calls; fetched from npm and PyPI if it is not there.
        own: lessons of your own; then only these are on the page.

    Raises:
        ReportError: the engine cannot be fetched, the folder holds something else, two lessons have a question of
            the same id, or a protocol does not lie beside its lesson.
    """
    shown = own or [*lessons().values()]
    ids = [question.id for lesson in shown for question in lesson.questions]
    if twice := [id for id in dict.fromkeys(ids) if ids.count(id) > 1]:
        raise ReportError(f"two lessons have a question {twice[0]}; a page takes each id once")
    runtime = _fetch_runtime(engine)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "site.json").exists():
            raise ReportError(f"{folder} holds something else; choose another folder with --out")
        shutil.rmtree(folder)
    with whole_folder(folder) as place:
        shutil.copytree(runtime, place, dirs_exist_ok=True)
        place.chmod(0o755)  # a web server may run as somebody else
        pack_ourselves(place / "trialtools.zip", own)
        packages = sorted(file.name for file in place.iterdir() if file.suffix in (".whl", ".zip"))
        packages.remove("python_stdlib.zip")
        for name in ("page.js", "worker.js"):
            shutil.copy(FOLDER / name, place)
        files = [_within(lesson, lesson.file).as_posix() for lesson in own]
        brought = {"packages": packages, "files": files, "luggage": in_browser.luggage(shown)}
        (place / "site.json").write_text(json.dumps(brought), "utf-8")
        (place / "quiz.html").write_text(quiz_page(quiz()), "utf-8")
        megabytes = round(sum(file.stat().st_size for file in place.iterdir()) / 1e6)
        (place / "index.html").write_text(render("index.html.j2", lessons=shown, megabytes=megabytes), "utf-8")
    return folder / "index.html"


def pack_ourselves(file: Path, own: Iterable[Lesson] = ()) -> None:
    """The rooms that a lesson needs, the protocols of the examples where an installed package has them, own lessons."""
    data = example("NCT05741099").cohort.parents[1]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(_PACKAGE / "__init__.py", "trialtools/__init__.py")
        for room in _ROOMS:
            for source in sorted((_PACKAGE / room).rglob("*")):
                if source.suffix in (".py", ".yaml"):
                    packed.write(source, f"trialtools/{source.relative_to(_PACKAGE)}")
        for source in sorted([*data.glob("protocols/*"), *data.glob("registry/*")]):
            packed.write(source, f"trialtools/data/{source.relative_to(data)}")
        for lesson in own:
            for needed in {Path(lesson.file), *_protocols(lesson)}:
                packed.write(needed, _within(lesson, needed))


def _protocols(lesson: Lesson) -> Iterator[Path]:
    """The files of protocols that a lesson asks about, and the registry texts that they quote."""
    for source in {question.source for question in lesson.questions}:
        if source.file:
            yield source.file
        if source.file and source.rules.source:
            yield source.file.parent / source.rules.source


def _within(lesson: Lesson, file: str | Path) -> Path:
    """Where a file of a lesson lies beside the package, in a browser."""
    folder = Path(lesson.file).resolve().parent
    if not Path(file).resolve().is_relative_to(folder):
        raise ReportError(f"{file} does not lie below {folder}; the page takes what stands beside the lesson")
    return Path("own", lesson.number, Path(file).resolve().relative_to(folder))


def _fetch_runtime(folder: Path) -> Path:
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
