"""The lessons go in, a folder comes out that any web server serves: the engine in the browser, nothing to install."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

from ...criteria.examples import example
from ...criteria.files import whole_folder
from ...report.errors import ReportError
from ..lesson import lessons
from . import in_browser
from .quiz import quiz, quiz_page
from .runtime import fetch_runtime
from .template import FOLDER, render

_PACKAGE = FOLDER.parents[1]
_ROOMS = ("criteria", "lessons")
"""What a lesson in a browser needs of the package; counts are brought along, so that no data frame is needed."""


def write_site(folder: Path, engine: Path) -> Path:
    """Write the page, its engine and the quiz; what an earlier call wrote there is replaced.

    Args:
        folder: to make.
        engine: below it the engine is kept between two calls; fetched from npm and PyPI if it is not there.

    Raises:
        ReportError: the engine cannot be fetched, or the folder holds something else.
    """
    runtime = fetch_runtime(engine)
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "site.json").exists():
            raise ReportError(f"{folder} holds something else; choose another folder with --out")
        shutil.rmtree(folder)
    with whole_folder(folder) as place:
        shutil.copytree(runtime, place, dirs_exist_ok=True)
        place.chmod(0o755)  # a web server may run as somebody else
        pack_ourselves(place / "trialtools.zip")
        packages = sorted(file.name for file in place.iterdir() if file.suffix in (".whl", ".zip"))
        packages.remove("python_stdlib.zip")
        for name in ("page.js", "worker.js"):
            shutil.copy(FOLDER / name, place)
        (place / "site.json").write_text(json.dumps({"packages": packages, "luggage": in_browser.luggage()}), "utf-8")
        (place / "quiz.html").write_text(quiz_page(quiz()), "utf-8")
        (place / "index.html").write_text(_index(sum(file.stat().st_size for file in place.iterdir())), "utf-8")
    return folder / "index.html"


def _index(size: int) -> str:
    return render("index.html.j2", lessons=lessons(), megabytes=round(size / 1e6))


def pack_ourselves(file: Path) -> None:
    """The rooms that a lesson needs, and the protocols of the examples where an installed package has them."""
    data = example("NCT05741099").cohort.parents[1]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(_PACKAGE / "__init__.py", "trialtools/__init__.py")
        for room in _ROOMS:
            for source in sorted((_PACKAGE / room).rglob("*")):
                if source.suffix in (".py", ".yaml"):
                    packed.write(source, f"trialtools/{source.relative_to(_PACKAGE)}")
        for source in sorted([*data.glob("protocols/*"), *data.glob("registry/*")]):
            packed.write(source, f"trialtools/data/{source.relative_to(data)}")
